import { readFile } from 'node:fs/promises'

import pg from 'pg'

import { createHttpsClient } from '../../packages/server/src/testing/https-client.ts'
import { percentile } from '../statistics.ts'
import type { Leg, Peer } from './leg.ts'

export interface SqlResult {
  perSecond: number
  /** Milliseconds. */
  p50: number
  p99: number
}

interface SqlLoad {
  clients: number
  seconds: number
}

const text = 'select 1'

/** What the serverless driver sends for one query, on connections that are kept. */
export async function sqlOverHttp({ served }: Leg, load: SqlLoad): Promise<SqlResult> {
  const { host, sqlPort, certificates, role, password, database } = served
  if (certificates === undefined) throw new Error('SQL over HTTP is served with TLS')
  const https = createHttpsClient(await readFile(certificates.caPath))
  const login = `${role}:${encodeURIComponent(password)}`
  const request = {
    method: 'POST',
    headers: { 'Neon-Connection-String': `postgresql://${login}@${host}/${database}` },
    body: JSON.stringify({ query: text, params: [] }),
  }
  try {
    return await measure(load, async () => {
      const response = await https.fetch(`https://${host}:${sqlPort}/sql`, request)
      const answer = await response.text()
      if (!response.ok) throw new Error(`/sql: ${response.status} ${answer}`)
    })
  } finally {
    https.close()
  }
}

export async function sqlOverWire({ served }: Leg, peer: Peer, load: SqlLoad): Promise<SqlResult> {
  const pool = new pg.Pool({
    host: peer.host,
    port: peer.port,
    user: served.role,
    password: served.password,
    database: served.database,
    // By name for the gateway; whose certificate it is, is not measured.
    ssl: { rejectUnauthorized: false, servername: served.host },
    max: load.clients,
  })
  try {
    return await measure(load, async () => pool.query(text))
  } finally {
    await pool.end()
  }
}

/** As many at once as there are clients, each after its last answer, from the first answers on. */
async function measure(
  { clients, seconds }: SqlLoad,
  ask: () => Promise<unknown>,
): Promise<SqlResult> {
  await Promise.all(Array.from({ length: clients }, ask))
  const latenciesMs: number[] = []
  const start = performance.now()
  const end = start + seconds * 1000
  const client = async () => {
    for (let now = performance.now(); now < end;) {
      await ask()
      const answeredAt = performance.now()
      latenciesMs.push(answeredAt - now)
      now = answeredAt
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  return {
    perSecond: latenciesMs.length / ((performance.now() - start) / 1000),
    p50: percentile(latenciesMs, 0.5),
    p99: percentile(latenciesMs, 0.99),
  }
}

import { readFileSync } from 'node:fs'

import pg from 'pg'

import type { TestPlatform } from '../test/platform.ts'

/** Connects through the gateway as a program would, with TLS verified, and runs one query. */
export async function firstQuery(platform: TestPlatform, uri: string): Promise<void> {
  const url = new URL(uri)
  // node-postgres would let sslmode overrule the CA below.
  for (const name of ['sslmode', 'channel_binding']) url.searchParams.delete(name)
  const client = new pg.Client({
    connectionString: url.href,
    ssl: { ca: readFileSync(platform.caFile, 'utf8') },
  })
  // What ends the connection rejects the query too.
  client.on('error', () => undefined)
  await client.connect()
  await client.query('select 1')
  await client.end()
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

export const pause = async (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms)
  })

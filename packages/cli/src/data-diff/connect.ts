import { readFile } from 'node:fs/promises'

import type { ConnectionParts } from '../connection-uri.ts'
import { type Session, sessionSetup, type TextRow } from './session.ts'

/** A compute may have to wake first, and a restored one to recover. */
const connectTimeoutSeconds = 90

/** A session that its owner closes. */
export interface OpenSession extends Session {
  close(): Promise<void>
}

/** Connects as a connection string says, and begins the transaction that everything is read in. */
export async function openSession(connection: ConnectionParts): Promise<OpenSession> {
  const { default: postgres } = await import('postgres')
  const { host, port, role, password, database, parameters } = connection
  const options = parameters.get('options')
  const sql = postgres({
    host,
    port: Number(port ?? 5432),
    user: role,
    password,
    database,
    max: 1,
    prepare: false,
    fetch_types: false,
    connect_timeout: connectTimeoutSeconds,
    onnotice: () => undefined,
    ssl: await tlsOptions(parameters),
    connection: { application_name: 'coppice diff', ...(options !== undefined && { options }) },
  })
  try {
    await sql.unsafe(sessionSetup)
  } catch (error) {
    await sql.end({ timeout: 1 })
    throw error
  }
  return {
    query: async (text) => {
      const rows = await sql.unsafe(text).raw()
      return rows.map((row) => row.map((value) => value?.toString() ?? null)) as TextRow[]
    },
    close: async () => sql.end({ timeout: 1 }),
  }
}

/** As libpq takes `sslmode`: `require` encrypts, and only `verify-ca` and `verify-full` verify. */
async function tlsOptions(parameters: ReadonlyMap<string, string>) {
  const mode = parameters.get('sslmode') ?? 'prefer'
  if (mode === 'disable') return false
  const rootFile = parameters.get('sslrootcert')
  const isVerified = mode.startsWith('verify-')
  return {
    rejectUnauthorized: isVerified,
    ...(isVerified && rootFile !== undefined && { ca: await readFile(rootFile, 'utf8') }),
    ...(mode === 'verify-ca' && { checkServerIdentity: () => undefined }),
  }
}

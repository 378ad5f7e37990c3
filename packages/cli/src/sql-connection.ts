import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { AdvisedError } from '@coppice/migrate/advised-error'
import {
  type Database,
  lookingSession,
  type SessionOptions,
  sessionOptions,
  type SessionSettings,
  type Sql,
} from '@coppice/migrate/database'

import { type ConnectionParts, parseConnectionUri } from './connection-uri.ts'
import { CliError } from './errors.ts'
import { errnoOf } from './platform.ts'

/** Starting a compute included. */
const connectTimeoutSeconds = 60
const endTimeoutSeconds = 5
const defaultPort = '5432'
/** The database that a connection string leads to, for what works on any. */
export function databaseAt(uri: string): Database {
  return {
    name: parse(uri).database,
    open: async (work, settings, onClose) => openSql(uri, work, settings, onClose),
  }
}

/**
 * Runs `work` on a session of its own, read-only unless `settings` take the place of that, and tells what
 * goes wrong in the user's terms. `onClose` is told when the session ends, which the library would replace
 * by a new one without a word.
 */
export async function openSql<T>(
  uri: string,
  work: (sql: Sql) => Promise<T>,
  settings: SessionSettings = lookingSession,
  onClose: () => void = () => undefined,
): Promise<T> {
  const parts = parse(uri)
  const { default: postgres } = await import('postgres')
  const sql = postgres({ ...(await optionsOf(parts, settings)), onclose: onClose })
  try {
    return await work(sql)
  } catch (error) {
    throw explain(error, parts)
  } finally {
    await sql.end({ timeout: endTimeoutSeconds })
  }
}

function parse(uri: string): ConnectionParts {
  try {
    return parseConnectionUri(uri)
  } catch (error) {
    throw new CliError('That is not a connection string.', {
      advice: 'It looks like postgresql://role:password@host:5432/database?sslmode=require.',
      cause: error,
    })
  }
}

/** Not from the string itself: this library would send every parameter of libpq's to the server. */
async function optionsOf(
  parts: ConnectionParts,
  settings: SessionSettings,
): Promise<SessionOptions> {
  const { parameters } = parts
  // A parameter goes before what stands in front, as in libpq.
  const host = parameters.get('host') ?? (parts.host || 'localhost')
  const port = parameters.get('port') ?? parts.port ?? defaultPort
  const options = parameters.get('options')
  const shared = sessionOptions(settings)
  return {
    ...(host.startsWith('/')
      ? { path: join(host, `.s.PGSQL.${port}`) }
      : { host, port: Number(port) }),
    ...(parts.role !== '' && { user: parts.role }),
    ...(parts.password !== '' && { password: parts.password }),
    ...(parts.database !== '' && { database: parts.database }),
    ssl: host.startsWith('/') ? false : await tlsOf(parameters),
    ...shared,
    connection: { ...shared.connection, ...(options !== undefined && { options }) },
    connect_timeout: connectTimeoutSeconds,
  }
}

type Tls = boolean | 'prefer' | 'require' | { ca?: string; checkServerIdentity?: () => undefined }

/** libpq's modes (manual, 34.19.1). */
async function tlsOf(parameters: ReadonlyMap<string, string>): Promise<Tls> {
  const mode = parameters.get('sslmode') ?? 'prefer'
  switch (mode) {
    case 'disable':
      return false
    case 'allow':
    case 'prefer':
      return 'prefer'
    case 'require':
      return 'require'
    case 'verify-ca':
      return { ...(await authority(parameters)), checkServerIdentity: () => undefined }
    case 'verify-full':
      return authority(parameters)
    default:
      throw new CliError(`sslmode=${mode} is none of PostgreSQL's.`)
  }
}

async function authority(parameters: ReadonlyMap<string, string>): Promise<{ ca?: string }> {
  const file = parameters.get('sslrootcert')
  if (file === undefined || file === 'system') return {}
  try {
    return { ca: await readFile(file, 'utf8') }
  } catch (error) {
    throw new CliError(`Cannot read the certificate in ${file} (${errnoOf(error) ?? 'error'}).`, {
      cause: error,
    })
  }
}

/** Never with the connection string, which holds the password. */
function explain(error: unknown, { host, port, database }: ConnectionParts): unknown {
  if (error instanceof AdvisedError || !(error instanceof Error)) return error
  const place = `database ${database} at ${host}${port === undefined ? '' : `:${port}`}`
  if (error.name === 'PostgresError') {
    return new CliError(`PostgreSQL refused, in ${place}: ${error.message}`, { cause: error })
  }
  return new CliError(`Could not talk to ${place}: ${error.message || errnoOf(error)}`, {
    advice: 'Check that it can be reached, as with `coppice psql`.',
    cause: error,
  })
}

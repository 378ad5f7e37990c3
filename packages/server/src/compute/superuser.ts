import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

import postgres, { type Sql } from 'postgres'

import { AppError, errorCode } from '../lib/errors.ts'
import { superuserName } from './access-files.ts'
import { ofDatabase } from './database-errors.ts'
import { postgresPort } from './settings.ts'

/** The database for whatever concerns a whole cluster; it holds nothing of users. */
export const platformDatabase = 'postgres'

/** A running cluster, or one that is started when it is used. */
export interface Cluster {
  /**
   * Runs a function with a superuser's connection to one database. Rejects with AppError `lock_not_available`
   * where somebody holds for too long what it needs.
   */
  withSuperuser<T>(database: string, work: (sql: Sql) => Promise<T>): Promise<T>
  /** Where its socket is, once it runs. */
  socketDirectory(): Promise<string>
}

/** Over a local socket, to a server that accepts connections; more means that something is wrong. */
const connectTimeoutSeconds = 10

/**
 * Whoever may change a role or a table can hold it for as long as they like; what waits for them keeps others
 * waiting. pg_dump sets its own.
 */
const lockTimeoutSeconds = 10

/**
 * Users own databases and may set defaults on them that a superuser's session there would take over. What
 * could redirect or stop our statements, change what they read or write, or tell what is in them is set by
 * the connection itself, which wins (manual, "Setting Parameters").
 */
const safeDefaults = {
  role: 'none',
  search_path: 'pg_catalog,pg_temp',
  standard_conforming_strings: 'on',
  default_transaction_read_only: 'off',
  default_transaction_isolation: String.raw`read\ committed`,
  statement_timeout: '0',
  lock_timeout: `${lockTimeoutSeconds}s`,
  idle_in_transaction_session_timeout: '0',
  // What the platform has done stays done, whatever users have set for theirs.
  synchronous_commit: 'on',
  idle_session_timeout: '0',
  // A library that is not there ends the session.
  local_preload_libraries: '',
  exit_on_error: 'off',
  // `pg_global` takes no tables.
  default_tablespace: '',
  temp_tablespaces: '',
  row_security: 'on',
  array_nulls: 'on',
  transform_null_equals: 'off',
  quote_all_identifiers: 'off',
  // Values are read from one database and written to another as text.
  datestyle: 'ISO',
  intervalstyle: 'postgres',
  extra_float_digits: '1',
  bytea_output: 'hex',
  lc_monetary: 'C',
  xmloption: 'content',
  // Users read the log, and some statements of ours hold keys.
  debug_print_parse: 'off',
  debug_print_rewritten: 'off',
  debug_print_plan: 'off',
  log_parameter_max_length_on_error: '0',
  client_min_messages: 'warning',
}

/** Versions that do not know a setting refuse the connection. */
const safeDefaultsFrom17 = {
  transaction_timeout: '0',
  restrict_nonsystem_relation_kind: '',
}

/**
 * What a session of the platform in a database of users begins with, at the running server of this
 * directory. Given as `options`, since postgres.js leaves out parameters that are false or zero.
 */
export function safeOptions(socketDirectory: string): string {
  const isNew = (majorVersionAt(socketDirectory) ?? 0) >= 17
  return Object.entries({ ...safeDefaults, ...(isNew && safeDefaultsFrom17) })
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ')
}

/** The second line of the file beside a socket is the data directory (`CreateLockFile`). */
function majorVersionAt(socketDirectory: string): number | undefined {
  try {
    const lock = readFileSync(`${socketDirectory}/.s.PGSQL.${postgresPort}.lock`, 'utf8')
    const version = readFileSync(`${lock.split('\n')[1]}/PG_VERSION`, 'utf8')
    return Number.parseInt(version, 10)
  } catch (error) {
    // It is on its way down, and takes no connection either.
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

interface ConnectOptions {
  /** Connections that may be opened when one is busy. More than one shares no session state. */
  max?: number
  /** Closes connections that have had nothing to do for so long. */
  idleTimeoutSeconds?: number
}

/** Lazy connections as the superuser, over the socket. */
export function connectSuperuser(
  socketDirectory: string,
  database: string,
  { max = 1, idleTimeoutSeconds }: ConnectOptions = {},
): Sql {
  return postgres({
    path: `${socketDirectory}/.s.PGSQL.${postgresPort}`,
    database,
    user: superuserName,
    max,
    ssl: false,
    fetch_types: false,
    prepare: false,
    connect_timeout: connectTimeoutSeconds,
    ...(idleTimeoutSeconds !== undefined && { idle_timeout: idleTimeoutSeconds }),
    onnotice: () => undefined,
    connection: { application_name: 'coppice', options: safeOptions(socketDirectory) },
  })
}

/** How long `end` waits for what still runs before it closes the socket. */
const endTimeoutSeconds = 1

export async function disconnect(sql: Sql): Promise<void> {
  await sql.end({ timeout: endTimeoutSeconds })
}

/** A postmaster reads its files within milliseconds. */
const reloadTimeoutMs = 5_000
const reloadPollMs = 5

/**
 * Has the postmaster read its files again, and resolves once connections to come see them: it tells its
 * backends before it takes the next connection.
 */
export async function reloadConfiguration(sql: Sql): Promise<void> {
  const deadline = performance.now() + reloadTimeoutMs
  // One session throughout; `reserve` of postgres.js never resolves where it has to open a connection first.
  await sql.begin(async (session) => {
    const [before] = await session<{ at: string }[]>`
      select pg_conf_load_time()::text as at, pg_reload_conf()`
    for (;;) {
      const [now] = await session`select pg_conf_load_time()::text as at`
      if (now?.['at'] !== before?.at) return
      if (performance.now() > deadline) throw new Error('the configuration was not read again')
      await delay(reloadPollMs)
    }
  })
}

/** SQLSTATE (PostgreSQL manual, appendix A). */
const lockNotAvailable = '55P03'

/** Work in a database, whose errors are told as that: as ours, or as somebody's who holds a lock there. */
async function inDatabase<T>(database: string, work: () => Promise<T>): Promise<T> {
  try {
    return await ofDatabase(work)
  } catch (error) {
    if (errorCode(error) !== lockNotAvailable) throw error
    const where = database === platformDatabase ? '' : `, in database ${database}`
    throw new AppError(
      'lock_not_available',
      `another session has held for ${lockTimeoutSeconds} seconds a lock on what this needs${where}; look for it with \`coppice inspect db locks\`, end it or wait for it, then try again`,
      { cause: error },
    )
  }
}

/** A running cluster, connected to once for each use. */
export function clusterAt(socketDirectory: string): Cluster {
  return {
    socketDirectory: async () => socketDirectory,
    withSuperuser: async (database, work) => {
      const sql = connectSuperuser(socketDirectory, database)
      try {
        return await inDatabase(database, async () => work(sql))
      } finally {
        await disconnect(sql)
      }
    },
  }
}

/** Of the reserved ones; a login is checked without waiting for a slow statement of the platform's. */
const sharedConnections = 3

/** Long enough that logins in a row find one open; after that an idle backend only costs its megabytes. */
const sharedIdleSeconds = 30

/** The platform's connections to one running cluster: shared ones for `postgres`, others for one use each. */
export class SuperuserConnections implements Cluster {
  readonly #socketDirectory: string
  #shared: Sql | undefined

  constructor(socketDirectory: string) {
    this.#socketDirectory = socketDirectory
  }

  async socketDirectory(): Promise<string> {
    return this.#socketDirectory
  }

  async withSuperuser<T>(database: string, work: (sql: Sql) => Promise<T>): Promise<T> {
    if (database !== platformDatabase) {
      return clusterAt(this.#socketDirectory).withSuperuser(database, work)
    }
    this.#shared ??= connectSuperuser(this.#socketDirectory, database, {
      max: sharedConnections,
      idleTimeoutSeconds: sharedIdleSeconds,
    })
    const shared = this.#shared
    return inDatabase(database, async () => work(shared))
  }

  /** One that the caller alone uses, and ends with `disconnect`. */
  connect(): Sql {
    return connectSuperuser(this.#socketDirectory, platformDatabase)
  }

  /** Closes the shared ones; the next use opens them again. */
  async close(): Promise<void> {
    const sql = this.#shared
    this.#shared = undefined
    if (sql) await disconnect(sql)
  }
}

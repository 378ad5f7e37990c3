import { readdir } from 'node:fs/promises'

import Postgrator from 'postgrator'
import postgres, { type Sql } from 'postgres'

import { diskFull } from '../../compute/start-failure.ts'
import { arrayLiteral, arrayToJson } from '../../lib/array-literal.ts'
import { AppError, errorCode, isConnectionLost } from '../../lib/errors.ts'

/** The metadata database. SQL on it stands only in `control/store/`, one file per table. */
export type Store = Sql<{ bigint: number }>

/** A connection or a transaction on the store. */
export type Queryable = Store | postgres.TransactionSql<{ bigint: number }>

export interface StoreAddress {
  /** A connection string (`DATABASE_URL`) … */
  url?: string
  /** … or the socket directory of the platform's own cluster. */
  socketDirectory?: string
  username?: string
  database?: string
}

const connectTimeoutSeconds = 10
const maxConnections = 10
const pauseSeconds = 0.1

export function openStore(address: StoreAddress): Store {
  return open(address, { max: maxConnections })
}

/**
 * The same, and `renew` for when the server has died and is back: a connection of postgres.js that ended
 * while it was used may never work again, or tell the next query the end of the former
 * (porsager/postgres#1215). What still waits on those before is ended within seconds.
 */
export function openRenewable(address: StoreAddress): { store: Store; renew: () => Promise<void> } {
  let current = openStore(address)
  const store = new Proxy(current, {
    apply: (_, self, given: unknown[]): unknown => Reflect.apply(current, self, given),
    get: (_, name): unknown => Reflect.get(current, name),
  })
  const renew = async (): Promise<void> => {
    const former = current
    current = openStore(address)
    await former.end({ timeout: 5 })
  }
  return { store, renew }
}

/** One connection, for as long as it lasts. postgres.js has these hooks and does not type them. */
export function openConnection(
  address: StoreAddress,
  hooks: { onclose: () => void; onnotify: (channel: string, payload: string) => void },
): Store {
  return open(address, { max: 1, max_lifetime: null, ...hooks })
}

const textArrayOid = 1009

/** `text[]`, the only array here. */
const textArray = {
  to: textArrayOid,
  from: [textArrayOid],
  parse: (literal: string) =>
    JSON.parse(arrayToJson(literal, (text) => JSON.stringify(text), ',')) as string[],
  serialize: arrayLiteral,
}

/**
 * A connection that has been lost is made again after a pause. That of postgres.js grows to 20 seconds while
 * the store is away, for whoever asks when it has come back, and is none where the server refuses.
 *
 * Arrays are named here, since what postgres.js asks a new connection about them is awaited by nobody:
 * where that connection is lost meanwhile, the process would end by an unhandled rejection.
 */
function open(address: StoreAddress, own: { max: number; max_lifetime?: null }): Store {
  const options = {
    ...own,
    backoff: () => pauseSeconds,
    connect_timeout: connectTimeoutSeconds,
    onnotice: () => undefined,
    connection: { application_name: 'coppice' },
    // int8 holds byte counts: exact in a double up to 8 PiB.
    types: { bigint: { to: 20, from: [20], parse: Number, serialize: String }, textArray },
    fetch_types: false,
  }
  if (address.url !== undefined) return postgres(address.url, options)
  return postgres({
    ...options,
    host: address.socketDirectory ?? '',
    username: address.username ?? '',
    database: address.database ?? '',
  })
}

/** What one that did not conflict would need once. */
const attemptsMax = 5

/**
 * Runs work in one transaction. Where PostgreSQL ends it so that another can go on (manual, "Deadlocks"),
 * it is run again, so it must do nothing but talk to the store.
 */
export async function transact<T>(
  store: Store,
  work: (sql: postgres.TransactionSql<{ bigint: number }>) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      // The driver's type is of what was awaited in an array, which no work of ours answers.
      return (await store.begin(work)) as T
    } catch (error) {
      if (errorCode(error) !== deadlockDetected || attempt === attemptsMax) throw error
    }
  }
}

const deadlockDetected = '40P01'

/** Of the migrations themselves. */
export const schemaTable = 'schema_version'

const migrationsDirectory = new URL('migrations/', import.meta.url).pathname

/**
 * Brings the store's schema up to this code's, or up to an older version, for rows that were written with
 * that one. Refuses a store that is newer (AppError `invalid_request`). One run at a time, and wholly or
 * not at all: scripts and their versions are one transaction.
 */
export async function migrateStore(store: Store, to?: number): Promise<void> {
  const migrationPattern = `${await migrationsPath()}*`
  await store.begin(async (sql) => {
    await sql`select pg_advisory_xact_lock(hashtext('coppice migrations'))`
    const postgrator = new Postgrator({
      migrationPattern,
      driver: 'pg',
      schemaTable,
      execQuery: async (query) => ({ rows: await sql.unsafe(query) }),
    })
    const [current, newest] = [
      await postgrator.getDatabaseVersion(),
      await postgrator.getMaxVersion(),
    ]
    if (current > newest) throw tooNew('the metadata store', current, newest)
    await postgrator.migrate(to === undefined ? undefined : String(to))
  })
}

/**
 * Refuses what a newer Coppice has written (AppError `invalid_request`): it may mean what this one would
 * misread. `found` is the number of a migration.
 */
export async function refuseNewer(what: string, found: number | undefined): Promise<void> {
  const newest = await newestMigration()
  if (found !== undefined && found > newest) throw tooNew(what, found, newest)
}

/** The number of the last migration that this code knows: the version of the state that it writes. */
export async function newestMigration(): Promise<number> {
  const names = await readdir(await migrationsPath())
  return Math.max(...names.map((name) => Number.parseInt(name, 10)).filter(Number.isInteger))
}

function tooNew(what: string, found: number, newest: number): AppError {
  return new AppError(
    'invalid_request',
    `${what} was written by a newer Coppice (state version ${found}, this one knows ${newest}); nothing was ` +
      'changed: install that version again, or restore a backup that this one has made to another --home',
  )
}

/** The compiled program keeps its `.sql` files in the sources: `tsc` copies none. */
async function migrationsPath(): Promise<string> {
  const fromSource = migrationsDirectory.replace('/dist/', '/src/')
  for (const path of [migrationsDirectory, fromSource]) {
    const names = await readdir(path).catch(() => [])
    if (names.some((name) => name.endsWith('.sql'))) return path
  }
  throw new Error(`the store's migrations are missing from ${fromSource}`)
}

/** Whether nothing of ours has ever been written to this database. */
export async function isEmptyStore(store: Store): Promise<boolean> {
  const [row] = await store<{ is_empty: boolean }[]>`
    select to_regclass('platform') is null as is_empty`
  return row?.is_empty ?? true
}

/** Whether no platform is in this database, though its schema may be. */
export async function isUnusedStore(store: Store): Promise<boolean> {
  return (await isEmptyStore(store)) || (await store`select from platform`).length === 0
}

/** What identifies this platform; made once, together with the schema. */
export async function platformId(store: Store, proposed: string): Promise<string> {
  const [row] = await store<{ id: string }[]>`
    with made as (
      insert into platform (id) select ${proposed} where not exists (select from platform) returning id
    )
    select id from made union all select id from platform limit 1`
  return row?.id ?? proposed
}

/** When this platform was made; now, where it is being made. */
export async function platformCreatedAt(store: Store): Promise<Date> {
  const [row] = await store<{ created_at: Date | null }[]>`
    select min(created_at) as created_at from platform`
  return row?.created_at ?? new Date()
}

/** SQLSTATE of a unique violation (PostgreSQL manual, appendix A). */
export const isUniqueViolation = (error: unknown): boolean => errorCode(error) === '23505'

/** Turns "the store does not answer", or has no disk to write to, into the error that clients retry. */
export function storeError(error: unknown): unknown {
  const code = errorCode(error) ?? ''
  if (code === diskFull) {
    return new AppError(
      'store_unavailable',
      "the disk of the metadata store is full: free some space in the platform's state directory, then " +
        'try again; connections to branches keep working',
      { cause: error },
    )
  }
  if (!isConnectionLost(code)) return error
  return new AppError(
    'store_unavailable',
    'the metadata store does not answer; connections to branches keep working, try again shortly ' +
      'and see `coppice doctor` if it stays so',
    { cause: error },
  )
}

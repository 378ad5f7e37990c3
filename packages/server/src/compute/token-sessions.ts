/**
 * Clients that show a JSON web token instead of a password. The gateway verifies it and gives the
 * transaction its claims in a variable, `coppice.jwt`. A role can set every variable of its session, so
 * the claims are sealed: by HMAC-SHA-256, with a key that functions of the superuser read and roles do
 * not. `auth.session()` answers the claims where the seal is good, and null for anything else; policies
 * ask `auth.user_id()`.
 */
import type { Sql, TransactionSql } from 'postgres'

import { AppError } from '../lib/errors.ts'
import { superuserName } from './access-files.ts'
import { sessionJwt, sessionJwtScript } from './session-jwt.ts'

/** Hash blocks of SHA-256, for HMAC (RFC 2104). */
const blockBytes = 64

/**
 * Makes extension `pg_session_jwt`, or gives the one that is there this key. May be repeated, also at
 * once. Rejects with AppError `invalid_request` where the database has a schema `auth` of its own.
 *
 * A role may own the extension, and so put a table of its own with that name in its place at any moment,
 * whose triggers would run as the superuser that writes to it. So the table is locked first, which binds
 * its name until the end of the transaction, and it is looked at whose it is while it is locked.
 */
export async function createTokenFunctions(sql: Sql, key: Buffer): Promise<void> {
  const [inner, outer] = [pad(key, 0x36), pad(key, 0x5c)]
  await sql.begin(async (transaction) => {
    await transaction`select pg_advisory_xact_lock(hashtext('coppice token functions'))`
    await createWhereMissing(transaction)
    // Nothing but this may name the table before it is known to be the platform's: a view would be run.
    await transaction`lock table auth.token_key in access share mode`
    if (!(await isOwnAndLocked(transaction))) throw taken()
    const [current] = await transaction<{ inner_pad: Buffer }[]>`
      select inner_pad from auth.token_key`
    if (current?.inner_pad.equals(inner)) return
    await transaction`
      insert into auth.token_key (inner_pad, outer_pad) values (${inner}, ${outer})
      on conflict (one) do update set inner_pad = excluded.inner_pad, outer_pad = excluded.outer_pad`
  })
}

/** As an extension where the server has its files, so that dumps name it and nothing in it. */
async function createWhereMissing(sql: TransactionSql): Promise<void> {
  const [found] = await sql<{ is_there: boolean; is_taken: boolean }[]>`
    select to_regclass('auth.token_key') is not null as is_there,
      to_regnamespace('auth') is not null as is_taken`
  if (found?.is_there === true) return
  if (found?.is_taken === true) throw taken()
  const available = await sql`select from pg_available_extensions where name = ${sessionJwt}`
  if (available.length > 0) await sql.unsafe(`create extension ${sessionJwt}`)
  else await sql.unsafe(sessionJwtScript)
}

/**
 * Whether what the name says now is what this transaction has locked, an ordinary table, and the
 * superuser's, as its schema is: then nobody else can rename, drop or change either.
 */
async function isOwnAndLocked(sql: TransactionSql): Promise<boolean> {
  const rows = await sql`
    select from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_locks l on l.relation = c.oid
    where n.nspname = 'auth' and c.relname = 'token_key' and c.relkind = 'r'
      and c.relowner = ${superuserName}::regrole and n.nspowner = ${superuserName}::regrole
      and l.locktype = 'relation' and l.mode = 'AccessShareLock' and l.granted
      and l.pid = pg_backend_pid()
      and l.database = (select oid from pg_database where datname = current_database())`
  return rows.length > 0
}

const taken = (): AppError =>
  new AppError(
    'invalid_request',
    "schema auth of this database is not the platform's: rename it, so that tokens can be used here",
  )

function pad(key: Buffer, byte: number): Buffer {
  const padded = Buffer.alloc(blockBytes)
  key.copy(padded)
  return padded.map((value) => value ^ byte) as Buffer
}

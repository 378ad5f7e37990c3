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
 */
export async function createTokenFunctions(sql: Sql, key: Buffer): Promise<void> {
  const [inner, outer] = [pad(key, 0x36), pad(key, 0x5c)]
  await sql.begin(async (transaction) => {
    await transaction`select pg_advisory_xact_lock(hashtext('coppice token functions'))`
    const [found] = await transaction<{ is_there: boolean; is_taken: boolean }[]>`
      select to_regnamespace('auth') is not null as is_taken, exists (
        select from pg_class
        where oid = to_regclass('auth.token_key') and relowner = ${superuserName}::regrole) as is_there`
    if (found?.is_there !== true) await create(transaction, found?.is_taken === true)
    await transaction`
      insert into auth.token_key (inner_pad, outer_pad) values (${inner}, ${outer})
      on conflict (one) do update set inner_pad = excluded.inner_pad, outer_pad = excluded.outer_pad
      where token_key.inner_pad <> excluded.inner_pad`
  })
}

/** As an extension where the server has its files, so that dumps name it and nothing in it. */
async function create(sql: TransactionSql, isTaken: boolean): Promise<void> {
  if (isTaken) {
    throw new AppError(
      'invalid_request',
      "schema auth of this database is not the platform's: rename it, so that tokens can be used here",
    )
  }
  const available = await sql`select from pg_available_extensions where name = ${sessionJwt}`
  if (available.length > 0) await sql.unsafe(`create extension ${sessionJwt}`)
  else await sql.unsafe(sessionJwtScript)
}

function pad(key: Buffer, byte: number): Buffer {
  const padded = Buffer.alloc(blockBytes)
  key.copy(padded)
  return padded.map((value) => value ^ byte) as Buffer
}

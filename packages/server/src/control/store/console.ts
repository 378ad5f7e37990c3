import type { ApiKeyRow } from './api-keys.ts'
import type { Queryable } from './store.ts'

export interface PasswordRow {
  salt: Uint8Array
  hash: Uint8Array
}

export async function findConsolePassword(sql: Queryable): Promise<PasswordRow | undefined> {
  const [row] = await sql<PasswordRow[]>`select salt, hash from console_password`
  return row
}

/** Takes the place of the one before, and ends the sessions that were begun with it. */
export async function replaceConsolePassword(sql: Queryable, password: PasswordRow): Promise<void> {
  await sql`
    with ended as (delete from console_sessions where by_password)
    insert into console_password ${sql({ ...password })}
    on conflict (is_only) do update set salt = excluded.salt, hash = excluded.hash, changed_at = now()`
}

export interface NewConsoleSession {
  token_hash: Uint8Array
  /** Null for the owner's. */
  api_key_id: number | null
  by_password: boolean
  expires_at: Date
}

/** Writes a session down, and forgets those that are over. */
export async function insertConsoleSession(
  sql: Queryable,
  session: NewConsoleSession,
): Promise<void> {
  await sql`
    with over as (delete from console_sessions where expires_at < now())
    insert into console_sessions ${sql(session)}`
}

/** Whom a session acts as: a key, or the owner, where `id` is null. Undefined where it is over. */
export async function findConsoleSession(
  sql: Queryable,
  tokenHash: Uint8Array,
): Promise<(Pick<ApiKeyRow, 'kind' | 'project_id'> & { id: number | null }) | undefined> {
  const [row] = await sql<(Pick<ApiKeyRow, 'kind' | 'project_id'> & { id: number | null })[]>`
    select k.id, coalesce(k.kind, 'user') as kind, k.project_id
    from console_sessions s left join api_keys k on k.id = s.api_key_id
    where s.token_hash = ${tokenHash} and s.expires_at > now()`
  return row
}

export async function removeConsoleSession(sql: Queryable, tokenHash: Uint8Array): Promise<void> {
  await sql`delete from console_sessions where token_hash = ${tokenHash}`
}

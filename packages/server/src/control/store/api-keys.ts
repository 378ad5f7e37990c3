import type { Queryable } from './store.ts'

export interface ApiKeyRow {
  id: number
  name: string
  created_at: Date
  last_used_at: Date | null
  last_used_from_addr: string
}

const columns = ['id', 'name', 'created_at', 'last_used_at', 'last_used_from_addr']

export async function insertApiKey(
  sql: Queryable,
  name: string,
  keyHash: Uint8Array,
): Promise<ApiKeyRow> {
  const [row] = await sql<ApiKeyRow[]>`
    insert into api_keys (name, key_hash) values (${name}, ${keyHash}) returning ${sql(columns)}`
  if (row === undefined) throw new Error('the store answered no row for a new API key')
  return row
}

export async function findApiKey(
  sql: Queryable,
  keyHash: Uint8Array,
): Promise<ApiKeyRow | undefined> {
  const [row] = await sql<ApiKeyRow[]>`
    select ${sql(columns)} from api_keys where key_hash = ${keyHash}`
  return row
}

export async function listApiKeys(sql: Queryable): Promise<ApiKeyRow[]> {
  return sql<ApiKeyRow[]>`select ${sql(columns)} from api_keys order by id`
}

export async function recordApiKeyUse(sql: Queryable, id: number, address: string): Promise<void> {
  await sql`
    update api_keys set last_used_at = now(), last_used_from_addr = ${address} where id = ${id}`
}

export async function removeApiKey(sql: Queryable, id: number): Promise<ApiKeyRow | undefined> {
  const [row] = await sql<ApiKeyRow[]>`
    delete from api_keys where id = ${id} returning ${sql(columns)}`
  return row
}

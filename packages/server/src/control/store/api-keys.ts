import type { Queryable } from './store.ts'

/** A key of the owner, or of the organization. */
export type ApiKeyKind = 'user' | 'organization'

export interface ApiKeyRow {
  id: number
  name: string
  kind: ApiKeyKind
  /** The one project that it reaches; null for all. */
  project_id: string | null
  created_at: Date
  last_used_at: Date | null
  last_used_from_addr: string
}

export type NewApiKey = Pick<ApiKeyRow, 'name' | 'kind' | 'project_id'> & { key_hash: Uint8Array }

const columns = [
  'id',
  'name',
  'kind',
  'project_id',
  'created_at',
  'last_used_at',
  'last_used_from_addr',
]

export async function insertApiKey(sql: Queryable, key: NewApiKey): Promise<ApiKeyRow> {
  const [row] = await sql<ApiKeyRow[]>`
    insert into api_keys ${sql(key)} returning ${sql(columns)}`
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

export async function listApiKeys(sql: Queryable, kind: ApiKeyKind): Promise<ApiKeyRow[]> {
  return sql<ApiKeyRow[]>`
    select ${sql(columns)} from api_keys where kind = ${kind} order by id`
}

export async function recordApiKeyUse(sql: Queryable, id: number, address: string): Promise<void> {
  await sql`
    update api_keys set last_used_at = now(), last_used_from_addr = ${address} where id = ${id}`
}

export async function removeApiKey(
  sql: Queryable,
  kind: ApiKeyKind,
  id: number,
): Promise<ApiKeyRow | undefined> {
  const [row] = await sql<ApiKeyRow[]>`
    delete from api_keys where id = ${id}::bigint and kind = ${kind} returning ${sql(columns)}`
  return row
}

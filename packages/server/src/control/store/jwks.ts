import type { Queryable } from './store.ts'

export interface JwksRow {
  id: string
  project_id: string
  branch_id: string | null
  jwks_url: string
  provider_name: string
  jwt_audience: string | null
  role_names: string[]
  created_at: Date
  updated_at: Date
}

export type NewJwks = Omit<JwksRow, 'id' | 'created_at' | 'updated_at'>

/** Rejects with a unique violation where the project has the same already. */
export async function insertJwks(sql: Queryable, jwks: NewJwks): Promise<JwksRow> {
  const [row] = await sql<JwksRow[]>`insert into jwks ${sql(jwks)} returning *`
  if (row === undefined) throw new Error('the store answered no row for a new JWKS')
  return row
}

export async function listJwks(sql: Queryable, projectId: string): Promise<JwksRow[]> {
  return sql<JwksRow[]>`
    select * from jwks where project_id = ${projectId} order by created_at, id`
}

export async function removeJwks(
  sql: Queryable,
  projectId: string,
  id: string,
): Promise<JwksRow | undefined> {
  const [row] = await sql<JwksRow[]>`
    delete from jwks where project_id = ${projectId} and id::text = ${id} returning *`
  return row
}

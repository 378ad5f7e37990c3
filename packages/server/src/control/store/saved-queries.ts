import type { Queryable } from './store.ts'

export interface SavedQueryRow {
  id: string
  project_id: string
  name: string
  sql: string
  created_at: Date
  updated_at: Date
}

/** Those that have `search` in their name or SQL, by name. */
export async function listSavedQueries(
  sql: Queryable,
  projectId: string,
  search: string,
): Promise<SavedQueryRow[]> {
  return sql<SavedQueryRow[]>`
    select * from saved_queries
    where project_id = ${projectId}
      and (${search} = '' or strpos(lower(name), lower(${search})) > 0
        or strpos(lower(sql), lower(${search})) > 0)
    order by lower(name), id`
}

/**
 * Undefined where the project has `limit` of them already; two at the same moment may make it one more.
 * Rejects with a unique violation where it has one of the name.
 */
export async function insertSavedQuery(
  sql: Queryable,
  query: Pick<SavedQueryRow, 'project_id' | 'name' | 'sql'>,
  limit: number,
): Promise<SavedQueryRow | undefined> {
  const [row] = await sql<SavedQueryRow[]>`
    insert into saved_queries (project_id, name, sql)
    select ${query.project_id}, ${query.name}, ${query.sql}
    where (select count(*) from saved_queries where project_id = ${query.project_id}) < ${limit}
    returning *`
  return row
}

/** Rejects with a unique violation where the project has another of the name. */
export async function updateSavedQuery(
  sql: Queryable,
  projectId: string,
  id: string,
  change: { name: string | null; sql: string | null },
): Promise<SavedQueryRow | undefined> {
  const [row] = await sql<SavedQueryRow[]>`
    update saved_queries set name = coalesce(${change.name}, name),
      sql = coalesce(${change.sql}, sql), updated_at = now()
    where project_id = ${projectId} and id::text = ${id} returning *`
  return row
}

export async function removeSavedQuery(
  sql: Queryable,
  projectId: string,
  id: string,
): Promise<SavedQueryRow | undefined> {
  const [row] = await sql<SavedQueryRow[]>`
    delete from saved_queries where project_id = ${projectId} and id::text = ${id} returning *`
  return row
}

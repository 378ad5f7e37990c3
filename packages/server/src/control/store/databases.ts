import type { Queryable } from './store.ts'

export interface DatabaseRow {
  id: number
  branch_id: string
  name: string
  owner_name: string
  size_bytes: number
  created_at: Date
  updated_at: Date
}

export async function listDatabases(sql: Queryable, branchId: string): Promise<DatabaseRow[]> {
  return sql<DatabaseRow[]>`select * from databases where branch_id = ${branchId} order by id`
}

/** Databases of the default branch of each of these projects. */
export async function listDefaultBranchDatabases(
  sql: Queryable,
  projectIds: readonly string[],
): Promise<(DatabaseRow & { project_id: string })[]> {
  return sql<(DatabaseRow & { project_id: string })[]>`
    select d.*, b.project_id from databases d join branches b on b.id = d.branch_id
    where b.project_id = any (${projectIds}) and b.is_default and b.deleted_at is null
    order by d.id`
}

export async function findDatabase(
  sql: Queryable,
  branchId: string,
  name: string,
): Promise<DatabaseRow | undefined> {
  const [row] = await sql<DatabaseRow[]>`
    select * from databases where branch_id = ${branchId} and name = ${name}`
  return row
}

export async function putDatabase(
  sql: Queryable,
  database: Pick<DatabaseRow, 'branch_id' | 'name' | 'owner_name'>,
): Promise<void> {
  await sql`
    insert into databases ${sql(database)}
    on conflict (branch_id, name) do update set owner_name = excluded.owner_name, updated_at = now()`
}

/** Renames the row where it still has the old name. */
export async function renameDatabase(
  sql: Queryable,
  branchId: string,
  from: string,
  to: string,
): Promise<void> {
  await sql`
    update databases set name = ${to}, updated_at = now()
    where branch_id = ${branchId} and name = ${from}`
}

export async function removeDatabase(
  sql: Queryable,
  branchId: string,
  name: string,
): Promise<void> {
  await sql`delete from databases where branch_id = ${branchId} and name = ${name}`
}

/** Makes the rows equal to the databases that the cluster has. */
export async function syncDatabases(
  sql: Queryable,
  branchId: string,
  databases: readonly { name: string; owner: string; sizeBytes: number }[],
): Promise<void> {
  const names = databases.map((database) => database.name)
  await sql`delete from databases where branch_id = ${branchId} and name <> all (${names})`
  if (databases.length === 0) return
  const rows = databases.map((database) => ({
    branch_id: branchId,
    name: database.name,
    owner_name: database.owner,
    size_bytes: database.sizeBytes,
  }))
  await sql`
    insert into databases ${sql(rows)}
    on conflict (branch_id, name) do update
    set owner_name = excluded.owner_name, size_bytes = excluded.size_bytes,
      updated_at = case when databases.owner_name = excluded.owner_name then databases.updated_at else now() end`
}

export async function copyDatabases(sql: Queryable, from: string, to: string): Promise<void> {
  await sql`
    insert into databases (branch_id, name, owner_name, size_bytes, created_at, updated_at)
    select ${to}, name, owner_name, size_bytes, created_at, updated_at
    from databases where branch_id = ${from} order by id
    on conflict do nothing`
}

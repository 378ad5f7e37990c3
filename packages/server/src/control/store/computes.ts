import type { Queryable } from './store.ts'

export interface ComputeRow {
  id: string
  project_id: string
  name: string
  min_cu: number
  max_cu: number
  for_new_branches: boolean
  /** Of live branches. */
  endpoint_ids: string[]
  created_at: Date
  updated_at: Date
}

export type NewCompute = Omit<ComputeRow, 'endpoint_ids' | 'created_at' | 'updated_at'>

const select = (sql: Queryable) => sql`
  select c.*, array(
    select e.id from endpoints e join branches b on b.id = e.branch_id
    where e.compute_id = c.id and b.ready_at is not null and b.deleted_at is null
    order by e.created_at, e.id) as endpoint_ids
  from computes c`

/** Rejects with a unique violation where the project has one of the name. */
export async function insertCompute(sql: Queryable, compute: NewCompute): Promise<void> {
  await sql`insert into computes ${sql(compute)}`
}

export async function listComputes(sql: Queryable, projectId: string): Promise<ComputeRow[]> {
  return sql<ComputeRow[]>`
    ${select(sql)} where c.project_id = ${projectId} order by c.created_at, c.id`
}

export async function findCompute(
  sql: Queryable,
  projectId: string,
  idOrName: string,
): Promise<ComputeRow | undefined> {
  const [row] = await sql<ComputeRow[]>`
    ${select(sql)} where c.project_id = ${projectId} and ${idOrName} in (c.id, c.name)
    order by c.id = ${idOrName} desc limit 1`
  return row
}

export async function findComputeForNewBranches(
  sql: Queryable,
  projectId: string,
): Promise<ComputeRow | undefined> {
  const [row] = await sql<ComputeRow[]>`
    ${select(sql)} where c.project_id = ${projectId} and c.for_new_branches`
  return row
}

export async function updateCompute(
  sql: Queryable,
  id: string,
  { name, min_cu, max_cu, for_new_branches }: Omit<NewCompute, 'id' | 'project_id'>,
): Promise<void> {
  await sql`
    update computes set name = ${name}, min_cu = ${min_cu}, max_cu = ${max_cu},
      for_new_branches = ${for_new_branches}, updated_at = now()
    where id = ${id}`
}

/** At most one is what new branches get: no other is any more. */
export async function clearForNewBranches(sql: Queryable, projectId: string): Promise<void> {
  await sql`
    update computes set for_new_branches = false, updated_at = now()
    where project_id = ${projectId} and for_new_branches`
}

export async function removeCompute(sql: Queryable, id: string): Promise<void> {
  await sql`delete from computes where id = ${id}`
}

/** What has data in the pool, and how much as it was last read. */
import type { PoolBranch, PoolProject } from '@coppice/api'

import type { Queryable } from './store.ts'

/** Null where it is not known. */
interface Sizes {
  logical_size_bytes: number | null
  exclusive_bytes: number | null
}

export type PoolBranchRow = Omit<PoolBranch, keyof Sizes> & Sizes
export type PoolProjectRow = Omit<PoolProject, keyof Sizes> & Sizes

/** Deleted ones too, for as long as they can be brought back. */
const held = (sql: Queryable) => sql`
  branches b join projects p on p.id = b.project_id where b.ready_at is not null`

const size = (sql: Queryable) => sql`coalesce(b.exclusive_bytes, b.logical_size_bytes, 0)`

/** The largest first. */
export async function listPoolBranches(sql: Queryable, limit: number): Promise<PoolBranchRow[]> {
  return sql<PoolBranchRow[]>`
    select b.project_id, p.name as project_name, b.id as branch_id,
      coalesce((select s.name from snapshots s where s.id = b.snapshot_id), b.name) as branch_name,
      case when b.deleted_at is not null or p.deleted_at is not null then 'deleted'
        when b.snapshot_id is not null then 'snapshot' else 'branch' end as kind,
      b.logical_size_bytes, b.exclusive_bytes
    from ${held(sql)} order by ${size(sql)} desc, b.id limit ${limit}`
}

/** The largest first. */
export async function listPoolProjects(sql: Queryable, limit: number): Promise<PoolProjectRow[]> {
  return sql<PoolProjectRow[]>`
    select b.project_id, p.name as project_name, count(*)::int as branches,
      sum(b.logical_size_bytes)::bigint as logical_size_bytes,
      sum(b.exclusive_bytes)::bigint as exclusive_bytes
    from ${held(sql)} group by 1, 2 order by sum(${size(sql)}) desc, 1 limit ${limit}`
}

/** What each branch holds alone, of all of them. */
export async function sumExclusive(sql: Queryable): Promise<number> {
  const [row] = await sql<{ bytes: number }[]>`
    select coalesce(sum(b.exclusive_bytes), 0)::bigint as bytes from ${held(sql)}`
  return row?.bytes ?? 0
}

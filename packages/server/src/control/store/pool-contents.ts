/** What has data in the pool, and how much as it was last read. */
import type { PoolBranch, PoolProject } from '@coppice/api'

import type { Queryable } from './store.ts'

export interface PoolBranchRow extends Omit<PoolBranch, 'logical_size_bytes' | 'exclusive_bytes'> {
  logical_size_bytes: number | null
  exclusive_bytes: number | null
}

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
export async function sumPoolProjects(sql: Queryable): Promise<PoolProject[]> {
  return sql<PoolProject[]>`
    select b.project_id, p.name as project_name, count(*)::int as branches,
      coalesce(sum(b.logical_size_bytes), 0)::bigint as logical_size_bytes,
      coalesce(sum(b.exclusive_bytes), 0)::bigint as exclusive_bytes
    from ${held(sql)} group by 1, 2 order by sum(${size(sql)}) desc, 1`
}

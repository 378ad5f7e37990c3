import type { ConsumptionGranularity } from '@coppice/api'

import type { Queryable } from './store.ts'

/** What was used in one timeframe. */
export interface ConsumptionRow {
  project_id: string
  /** Where branches are told apart. */
  branch_id: string | null
  timeframe: Date
  active_ms: number
  compute_ms: number
  written_data_bytes: number
  data_transfer_bytes: number
}

/** What was occupied in one timeframe; sums over its hours, but for the last two. */
export interface StorageRow {
  project_id: string
  branch_id: string | null
  timeframe: Date
  root_bytes_hour: number
  child_bytes_hour: number
  history_bytes_hour: number
  snapshot_bytes_hour: number
  logical_bytes_hour: number
  child_hours: number
  /** In the timeframe's last hour. */
  storage_bytes: number
  logical_bytes: number
}

export interface ConsumptionQuery {
  granularity: ConsumptionGranularity
  from: Date
  to: Date
  projectIds: readonly string[]
  /** Tells branches apart, these ones; undefined sums up by project. */
  branchIds?: readonly string[]
}

const units = { hourly: 'hour', daily: 'day', monthly: 'month' } as const

/** The timeframe that an hour lies in. */
export const timeframe = (sql: Queryable, { granularity }: Pick<ConsumptionQuery, 'granularity'>) =>
  sql`date_trunc(${units[granularity]}, hour, 'UTC')`

const grouping = (sql: Queryable, { branchIds }: ConsumptionQuery) =>
  branchIds === undefined ? sql`null::text` : sql`branch_id`

const chosen = (sql: Queryable, { from, to, projectIds, branchIds }: ConsumptionQuery) => sql`
  hour >= ${from} and hour < ${to} and project_id = any (${projectIds})
  ${branchIds === undefined ? sql`` : sql`and branch_id = any (${branchIds})`}`

export async function sumConsumption(
  sql: Queryable,
  query: ConsumptionQuery,
): Promise<ConsumptionRow[]> {
  return sql<ConsumptionRow[]>`
    select project_id, ${grouping(sql, query)} as branch_id, ${timeframe(sql, query)} as timeframe,
      sum(active_ms)::bigint as active_ms, sum(compute_ms)::bigint as compute_ms,
      sum(written_data_bytes)::bigint as written_data_bytes,
      sum(data_transfer_bytes)::bigint as data_transfer_bytes
    from usage_hours where ${chosen(sql, query)}
    group by 1, 2, 3`
}

export async function sumStorage(sql: Queryable, query: ConsumptionQuery): Promise<StorageRow[]> {
  return sql<StorageRow[]>`
    with hours as (
      select project_id, ${grouping(sql, query)} as branch_id, ${timeframe(sql, query)} as timeframe, hour,
        sum(data_bytes) filter (where is_root) as root_bytes,
        sum(data_bytes) filter (where not is_root) as child_bytes,
        sum(history_bytes) as history_bytes,
        sum(snapshot_bytes) as snapshot_bytes,
        sum(logical_size_bytes) as logical_bytes,
        count(*) filter (where not is_root) as children
      from storage_hours where ${chosen(sql, query)}
      group by 1, 2, 3, 4
    )
    select project_id, branch_id, timeframe,
      coalesce(sum(root_bytes), 0)::bigint as root_bytes_hour,
      coalesce(sum(child_bytes), 0)::bigint as child_bytes_hour,
      sum(history_bytes)::bigint as history_bytes_hour,
      sum(snapshot_bytes)::bigint as snapshot_bytes_hour,
      sum(logical_bytes)::bigint as logical_bytes_hour,
      sum(children)::bigint as child_hours,
      (array_agg(coalesce(root_bytes, 0) + coalesce(child_bytes, 0) + history_bytes
        order by hour desc))[1]::bigint as storage_bytes,
      (array_agg(logical_bytes order by hour desc))[1]::bigint as logical_bytes
    from hours group by 1, 2, 3`
}

export interface MeteredProject {
  id: string
  created_at: Date
}

/** Projects that are there, oldest first after `afterId`, or newest first. */
export async function listMeteredProjects(
  sql: Queryable,
  query: {
    ids?: readonly string[] | undefined
    limit: number
    afterId?: string | undefined
    newestFirst: boolean
  },
): Promise<MeteredProject[]> {
  const [direction, beyond] = query.newestFirst ? [sql`desc`, sql`<`] : [sql`asc`, sql`>`]
  return sql<MeteredProject[]>`
    select id, created_at from projects
    where ready_at is not null and deleted_at is null
      ${query.ids === undefined ? sql`` : sql`and id = any (${query.ids})`}
      ${query.afterId === undefined ? sql`` : sql`and (created_at, id) ${beyond} (select created_at, id from projects where id = ${query.afterId})`}
    order by created_at ${direction}, id ${direction} limit ${query.limit}`
}

export interface MeteredBranch {
  project_id: string
  branch_id: string
  /** When anything was first counted of it within the range, where it is gone. */
  since: Date
}

/** Branches that are there, and those that were within the range; by project, then by branch. */
export async function listMeteredBranches(
  sql: Queryable,
  query: {
    from: Date
    to: Date
    projectIds: readonly string[]
    ids?: readonly string[] | undefined
    limit: number
    after?: { projectId: string; branchId: string } | undefined
  },
): Promise<MeteredBranch[]> {
  const { from, to, projectIds, ids, after } = query
  return sql<MeteredBranch[]>`
    select project_id, branch_id, min(since) as since from (
      select project_id, id as branch_id, created_at as since from branches
      where ready_at is not null and deleted_at is null and snapshot_id is null
        and project_id = any (${projectIds})
      union all
      select project_id, branch_id, min(hour) from usage_hours
      where hour >= ${from} and hour < ${to} and project_id = any (${projectIds}) group by 1, 2
      union all
      select project_id, branch_id, min(hour) from storage_hours
      where hour >= ${from} and hour < ${to} and project_id = any (${projectIds}) group by 1, 2
    ) metered
    where true
      ${ids === undefined ? sql`` : sql`and branch_id = any (${ids})`}
      ${after === undefined ? sql`` : sql`and (project_id, branch_id) > (${after.projectId}, ${after.branchId})`}
    group by project_id, branch_id order by project_id, branch_id limit ${query.limit}`
}

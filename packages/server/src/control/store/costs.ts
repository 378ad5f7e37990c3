/** What a month was used for, by endpoint and by branch; and what advice is given from. */
import { type ConsumptionQuery, timeframe } from './consumption.ts'
import type { Queryable } from './store.ts'

export interface CostRange {
  from: Date
  to: Date
  projectIds: readonly string[]
}

export interface EndpointUsageRow {
  project_id: string
  branch_id: string
  endpoint_id: string
  active_ms: number
  compute_ms: number
  cpu_ms: number
  written_data_bytes: number
  data_transfer_bytes: number
}

/** Of endpoints that are gone as well. */
export async function sumByEndpoint(sql: Queryable, range: CostRange): Promise<EndpointUsageRow[]> {
  return sql<EndpointUsageRow[]>`
    select project_id, branch_id, endpoint_id, sum(active_ms)::bigint as active_ms,
      sum(compute_ms)::bigint as compute_ms, sum(cpu_ms)::bigint as cpu_ms,
      sum(written_data_bytes)::bigint as written_data_bytes,
      sum(data_transfer_bytes)::bigint as data_transfer_bytes
    from usage_hours
    where project_id = any (${[...range.projectIds]}) and hour >= ${range.from} and hour < ${range.to}
    group by 1, 2, 3 order by 1, 2, 3`
}

export interface BranchStorageRow {
  project_id: string
  branch_id: string
  data_byte_hours: number
  history_byte_hours: number
  snapshot_byte_hours: number
  /** What a child would hold besides if it were a copy. */
  shared_byte_hours: number
  branch_hours: number
}

export async function sumByBranch(sql: Queryable, range: CostRange): Promise<BranchStorageRow[]> {
  return sql<BranchStorageRow[]>`
    select project_id, branch_id, sum(data_bytes)::bigint as data_byte_hours,
      sum(history_bytes)::bigint as history_byte_hours,
      sum(snapshot_bytes)::bigint as snapshot_byte_hours,
      sum(greatest(logical_size_bytes - data_bytes, 0))::bigint as shared_byte_hours,
      count(*)::bigint as branch_hours
    from storage_hours
    where project_id = any (${[...range.projectIds]}) and hour >= ${range.from} and hour < ${range.to}
    group by 1, 2 order by 1, 2`
}

/** Hours of branches beyond so many of a project at a time. */
export async function extraBranchHours(
  sql: Queryable,
  range: CostRange,
  included: number,
): Promise<number> {
  const [row] = await sql<{ extra: number }[]>`
    select coalesce(sum(greatest(branches - ${included}::float8, 0)), 0)::float8 as extra from (
      select count(*) as branches from storage_hours
      where project_id = any (${[...range.projectIds]}) and hour >= ${range.from} and hour < ${range.to}
      group by project_id, hour) hours`
  return row?.extra ?? 0
}

export interface BranchHoursRow {
  timeframe: Date
  branch_hours: number
  /** Of these, beyond what is included. */
  extra_hours: number
}

/** The same by timeframe, with all hours of branches. */
export async function countBranchHours(
  sql: Queryable,
  query: ConsumptionQuery,
  included: number,
): Promise<BranchHoursRow[]> {
  return sql<BranchHoursRow[]>`
    select ${timeframe(sql, query)} as timeframe, sum(branches)::float8 as branch_hours,
      sum(greatest(branches - ${included}::float8, 0))::float8 as extra_hours
    from (
      select project_id, hour, count(*) as branches from storage_hours
      where project_id = any (${[...query.projectIds]}) and hour >= ${query.from} and hour < ${query.to}
      group by 1, 2) hours
    group by 1`
}

export interface EndpointFacts {
  id: string
  created_at: string
  /** The smallest size that it has, or would have without the compute that it shares. */
  min_cu: number
  /** Of the smallest size of that compute, its part where all are awake; null where it shares none. */
  shared_min_cu: number | null
  suspend_timeout_seconds: number
}

/** A branch with its endpoint, as advice looks at it. */
export interface BranchFactsRow {
  project_id: string
  branch_id: string
  branch_name: string
  is_default: boolean
  protected: boolean
  created_at: Date
  children: number
  history_retention_seconds: number
  /** When any of its computes was last used; null for never. */
  last_active: Date | null
  exclusive_bytes: number | null
  endpoints: EndpointFacts[]
}

export async function listBranchFacts(
  sql: Queryable,
  projectIds: readonly string[],
): Promise<BranchFactsRow[]> {
  return sql<BranchFactsRow[]>`
    select b.project_id, b.id as branch_id, b.name as branch_name, b.is_default, b.protected,
      b.created_at, b.exclusive_bytes, p.history_retention_seconds,
      (select count(*) from branches c
        where c.parent_id = b.id and c.deleted_at is null and c.snapshot_id is null)::int as children,
      (select max(greatest(e.last_active, e.started_at)) from endpoints e where e.branch_id = b.id)
        as last_active,
      (select coalesce(json_agg(json_build_object('id', e.id, 'created_at', e.created_at,
          'min_cu', e.min_cu, 'shared_min_cu', (select c.min_cu / count(*) from computes c
            join endpoints other on other.compute_id = c.id where c.id = e.compute_id group by c.id),
          'suspend_timeout_seconds', e.suspend_timeout_seconds)), '[]')
        from endpoints e where e.branch_id = b.id) as endpoints
    from branches b join projects p on p.id = b.project_id
    where b.project_id = any (${[...projectIds]}) and b.ready_at is not null and b.deleted_at is null
      and b.snapshot_id is null and p.deleted_at is null
    order by b.project_id, b.created_at, b.id`
}

/** Every project that is there or has used something within the range. */
export async function listCostProjects(sql: Queryable, from: Date, to: Date): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select id from projects where ready_at is not null and deleted_at is null
    union select project_id from usage_hours where hour >= ${from} and hour < ${to}
    union select project_id from storage_hours where hour >= ${from} and hour < ${to}
    order by 1`
  return rows.map((row) => row.id)
}

/** The first hour that anything is known of; undefined where nothing is. */
export async function firstHour(sql: Queryable, range: CostRange): Promise<Date | undefined> {
  const [row] = await sql<{ first: Date | null }[]>`
    select least(
      (select min(hour) from usage_hours
        where project_id = any (${[...range.projectIds]}) and hour >= ${range.from} and hour < ${range.to}),
      (select min(hour) from storage_hours
        where project_id = any (${[...range.projectIds]}) and hour >= ${range.from} and hour < ${range.to})
      ) as first`
  return row?.first ?? undefined
}

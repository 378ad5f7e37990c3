import type { ProjectSettings } from '@coppice/api'

import type { Queryable } from './store.ts'

/** What was used in a period, as its row holds it. */
export interface PeriodUsage {
  /** The period's beginning, in ISO format. */
  period_start: string
  active_ms: number
  compute_ms: number
  cpu_ms: number
  written_data_bytes: number
  data_transfer_bytes: number
}

export interface ProjectUsage extends PeriodUsage {
  /** Occupied in the last hour that was looked at. */
  storage_bytes: number
  storage_bytes_hour: number
}

export interface UsageHourRow {
  endpoint_id: string
  hour: string
  ledger_id: string
  project_id: string
  branch_id: string
  active_ms: number
  compute_ms: number
  cpu_ms: number
  written_data_bytes: number
  data_transfer_bytes: number
}

/** A year of months, and the hours of the one before that. */
const retention = '400 days'

/** A statement takes 65,535 parameters; rows gather while the store is down. */
const rowsAtOnce = 1000

/** Counters only grow: an older state of a row that comes late changes nothing. */
export async function recordUsageHours(
  sql: Queryable,
  rows: readonly UsageHourRow[],
): Promise<void> {
  for (let at = 0; at < rows.length; at += rowsAtOnce) {
    await recordSome(sql, rows.slice(at, at + rowsAtOnce))
  }
}

async function recordSome(sql: Queryable, rows: readonly UsageHourRow[]): Promise<void> {
  await sql`
    insert into usage_hours ${sql(rows)}
    on conflict (endpoint_id, hour, ledger_id) do update set
      active_ms = greatest(usage_hours.active_ms, excluded.active_ms),
      compute_ms = greatest(usage_hours.compute_ms, excluded.compute_ms),
      cpu_ms = greatest(usage_hours.cpu_ms, excluded.cpu_ms),
      written_data_bytes = greatest(usage_hours.written_data_bytes, excluded.written_data_bytes),
      data_transfer_bytes = greatest(usage_hours.data_transfer_bytes, excluded.data_transfer_bytes)`
}

const sumsOfPeriod = (sql: Queryable, start: Date) => sql`
  jsonb_build_object(
    'period_start', ${start.toISOString()}::text,
    'active_ms', coalesce(sum(active_ms), 0)::bigint,
    'compute_ms', coalesce(sum(compute_ms), 0)::bigint,
    'cpu_ms', coalesce(sum(cpu_ms), 0)::bigint,
    'written_data_bytes', coalesce(sum(written_data_bytes), 0)::bigint,
    'data_transfer_bytes', coalesce(sum(data_transfer_bytes), 0)::bigint)`

/** Copies the sums of the period that began at `start` to these branches. */
export async function refreshBranchUsage(
  sql: Queryable,
  start: Date,
  branchIds: readonly string[],
): Promise<void> {
  await sql`
    update branches b set usage = (
      select ${sumsOfPeriod(sql, start)} from usage_hours u where u.branch_id = b.id and u.hour >= ${start})
    where b.id = any (${branchIds})`
}

/** The same for these projects, with what they occupy. */
export async function refreshProjectUsage(
  sql: Queryable,
  start: Date,
  projectIds: readonly string[],
): Promise<void> {
  await sql`
    update projects p set usage = (
      select ${sumsOfPeriod(sql, start)} from usage_hours u where u.project_id = p.id and u.hour >= ${start}
    ) || (
      select jsonb_build_object(
        'storage_bytes',
          coalesce(sum(data_bytes + history_bytes) filter (
            where hour = (select max(hour) from storage_hours where project_id = p.id)), 0)::bigint,
        'storage_bytes_hour', coalesce(sum(data_bytes + history_bytes), 0)::bigint)
      from storage_hours s where s.project_id = p.id and s.hour >= ${start})
    where p.id = any (${projectIds})`
}

/**
 * Notes what every branch occupies in this hour, where that is more than was noted before. Answers the
 * projects of which something was noted.
 */
export async function recordStorage(sql: Queryable): Promise<string[]> {
  const rows = await sql<{ project_id: string }[]>`
    with sizes as (
      select b.id as branch_id, b.project_id, b.parent_id is null as is_root, b.logical_size_bytes,
        coalesce(sum(u.written_data_bytes), 0)::bigint as written_bytes,
        coalesce(sum(u.written_data_bytes) filter (
          where u.hour > now() - make_interval(secs => p.history_retention_seconds)), 0)::bigint
          as recent_bytes,
        (select coalesce(sum(data.logical_size_bytes), 0)::bigint
          from snapshots s join branches data on data.snapshot_id = s.id
          where s.source_branch_id = b.id and s.ready_at is not null) as snapshot_bytes
      from branches b join projects p on p.id = b.project_id
        left join usage_hours u on u.branch_id = b.id
      where b.ready_at is not null and b.deleted_at is null and p.deleted_at is null
        and b.logical_size_bytes is not null and b.snapshot_id is null
      group by b.id, p.id
    ), noted as (
      insert into storage_hours as known
        (branch_id, hour, project_id, is_root, logical_size_bytes, data_bytes, history_bytes,
          snapshot_bytes)
      select branch_id, date_trunc('hour', now(), 'UTC'), project_id, is_root, logical_size_bytes,
        case when is_root then logical_size_bytes else least(logical_size_bytes, written_bytes) end,
        case when is_root then recent_bytes else 0 end, snapshot_bytes
      from sizes
      on conflict (branch_id, hour) do update set
        logical_size_bytes = greatest(known.logical_size_bytes, excluded.logical_size_bytes),
        data_bytes = greatest(known.data_bytes, excluded.data_bytes),
        history_bytes = greatest(known.history_bytes, excluded.history_bytes),
        snapshot_bytes = greatest(known.snapshot_bytes, excluded.snapshot_bytes)
      where excluded.logical_size_bytes > known.logical_size_bytes
        or excluded.data_bytes > known.data_bytes or excluded.history_bytes > known.history_bytes
        or excluded.snapshot_bytes > known.snapshot_bytes
      returning project_id
    )
    select distinct project_id from noted`
  return rows.map((row) => row.project_id)
}

export async function trimUsage(sql: Queryable): Promise<void> {
  await sql`delete from usage_hours where hour < now() - ${retention}::interval`
  await sql`delete from storage_hours where hour < now() - ${retention}::interval`
}

export interface QuotaRow {
  id: string
  settings: ProjectSettings
  usage: ProjectUsage | null
  quota_exceeded: string | null
}

/** Projects with quotas, or with one that was exceeded; one of them where it is named. */
export async function listQuotaProjects(sql: Queryable, projectId?: string): Promise<QuotaRow[]> {
  return sql<QuotaRow[]>`
    select id, settings, usage, quota_exceeded from projects
    where deleted_at is null and ready_at is not null and id = coalesce(${projectId ?? null}, id)
      and (settings ? 'quota' or quota_exceeded is not null)`
}

export async function setQuotaExceeded(
  sql: Queryable,
  projectId: string,
  quota: string | null,
): Promise<void> {
  await sql`update projects set quota_exceeded = ${quota} where id = ${projectId}`
}

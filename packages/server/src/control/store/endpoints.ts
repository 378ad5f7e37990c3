import type { EndpointState, EndpointType, PreloadLibraries, ProjectSettings } from '@coppice/api'

import type { JwksRow } from './jwks.ts'
import type { Queryable } from './store.ts'

export interface EndpointRow {
  id: string
  project_id: string
  branch_id: string
  type: EndpointType
  name: string | null
  min_cu: number
  max_cu: number
  /** That it shares with others, whose size counts then; null where it has its own. */
  compute_id: string | null
  compute: { id: string; name: string; min_cu: number; max_cu: number } | null
  suspend_timeout_seconds: number
  pg_settings: Record<string, string>
  pgbouncer_settings: Record<string, string>
  /** Those of its project, which its own are over. */
  project_pgbouncer_settings: Record<string, string>
  /** Over its project's; null where it has none of its own. */
  preload_libraries: PreloadLibraries | null
  pooler_enabled: boolean
  disabled: boolean
  /** Application names of clients that neither wake the compute nor keep it awake. */
  quiet_applications: string[]
  current_state: EndpointState
  last_active: Date | null
  started_at: Date | null
  suspended_at: Date | null
  created_at: Date
  updated_at: Date
}

export type NewEndpoint = Pick<
  EndpointRow,
  | 'id'
  | 'project_id'
  | 'branch_id'
  | 'type'
  | 'name'
  | 'min_cu'
  | 'max_cu'
  | 'compute_id'
  | 'suspend_timeout_seconds'
  | 'pg_settings'
  | 'pgbouncer_settings'
  | 'preload_libraries'
  | 'pooler_enabled'
  | 'disabled'
>

/** Rejects with a unique violation where the branch has a read-write endpoint already. */
export async function insertEndpoint(sql: Queryable, endpoint: NewEndpoint): Promise<void> {
  const { pg_settings, pgbouncer_settings, preload_libraries } = endpoint
  await sql`
    insert into endpoints ${sql({
      ...endpoint,
      pg_settings: sql.json(pg_settings),
      pgbouncer_settings: sql.json(pgbouncer_settings),
      preload_libraries: preload_libraries && sql.json(preload_libraries),
    })}`
}

/** Of `endpoints e` and `projects p`: what an EndpointRow holds. */
const columns = (sql: Queryable) => sql`
  e.*, coalesce(p.default_endpoint_settings -> 'pgbouncer_settings', '{}')
    as project_pgbouncer_settings,
  (select json_build_object('id', c.id, 'name', c.name, 'min_cu', c.min_cu, 'max_cu', c.max_cu)
    from computes c where c.id = e.compute_id) as compute`

/** Endpoints of ready, live branches. */
export async function findEndpoint(
  sql: Queryable,
  projectId: string,
  id: string,
): Promise<EndpointRow | undefined> {
  const [row] = await sql<EndpointRow[]>`
    select ${columns(sql)} from endpoints e join branches b on b.id = e.branch_id
      join projects p on p.id = e.project_id
    where e.project_id = ${projectId} and e.id = ${id}
      and b.ready_at is not null and b.deleted_at is null and p.deleted_at is null`
  return row
}

export async function listEndpoints(sql: Queryable, projectId: string): Promise<EndpointRow[]> {
  return sql<EndpointRow[]>`
    select ${columns(sql)} from endpoints e join branches b on b.id = e.branch_id
      join projects p on p.id = e.project_id
    where e.project_id = ${projectId} and b.ready_at is not null and b.deleted_at is null
    order by e.created_at, e.id`
}

/** Also of branches that are being made or are deleted. */
export async function listBranchEndpoints(
  sql: Queryable,
  branchId: string,
): Promise<EndpointRow[]> {
  return sql<EndpointRow[]>`
    select ${columns(sql)} from endpoints e join projects p on p.id = e.project_id
    where e.branch_id = ${branchId} order by e.type desc, e.created_at, e.id`
}

/** An endpoint with what of its branch and its project its compute is made from. */
export interface PlacedEndpoint extends EndpointRow {
  volume_id: string
  branch_name: string
  branch_is_default: boolean
  branch_is_protected: boolean
  branch_logical_size_bytes: number | null
  pg_version: number
  project_settings: ProjectSettings
  history_retention_seconds: number
  /** The branch's read-write endpoint, where it has one. */
  writer_id: string | null
  writer_pg_settings: Record<string, string> | null
  /** Of its project. */
  jwks: Pick<JwksRow, 'jwks_url' | 'role_names' | 'jwt_audience' | 'branch_id'>[]
  project_quota_exceeded: string | null
}

const selectPlaced = (sql: Queryable) => sql`
  select ${columns(sql)}, b.volume_id, b.name as branch_name, b.is_default as branch_is_default,
    b.protected as branch_is_protected, b.logical_size_bytes as branch_logical_size_bytes,
    p.pg_version, p.settings as project_settings, p.quota_exceeded as project_quota_exceeded,
    p.history_retention_seconds, w.id as writer_id, w.pg_settings as writer_pg_settings,
    (select coalesce(json_agg(j order by j.created_at), '[]') from jwks j where j.project_id = p.id)
      as jwks
  from endpoints e join branches b on b.id = e.branch_id join projects p on p.id = b.project_id
    left join endpoints w on w.branch_id = b.id and w.type = 'read_write'`

/** Every endpoint that may be connected to. */
export async function listLiveEndpoints(sql: Queryable): Promise<PlacedEndpoint[]> {
  return sql<PlacedEndpoint[]>`
    ${selectPlaced(sql)}
    where b.ready_at is not null and b.deleted_at is null and p.deleted_at is null`
}

/** Also of a branch that is being made or is deleted. */
export async function findPlacedEndpoint(
  sql: Queryable,
  id: string,
): Promise<PlacedEndpoint | undefined> {
  const [row] = await sql<PlacedEndpoint[]>`${selectPlaced(sql)} where e.id = ${id}`
  return row
}

/** Ids of all endpoints of a project, or of one of its branches, whatever their state. */
export async function listEndpointIds(
  sql: Queryable,
  of: { projectId: string; branchId?: string },
): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select id from endpoints
    where project_id = ${of.projectId} and branch_id = coalesce(${of.branchId ?? null}, branch_id)`
  return rows.map((row) => row.id)
}

export type EndpointUpdate = Partial<Omit<NewEndpoint, 'id' | 'project_id' | 'branch_id' | 'type'>>

export async function updateEndpoint(
  sql: Queryable,
  id: string,
  change: EndpointUpdate,
): Promise<void> {
  await sql`
    update endpoints set
      name = coalesce(${change.name ?? null}, name),
      min_cu = coalesce(${change.min_cu ?? null}, min_cu),
      max_cu = coalesce(${change.max_cu ?? null}, max_cu),
      compute_id = case when ${change.compute_id !== undefined}
        then ${change.compute_id ?? null} else compute_id end,
      suspend_timeout_seconds = coalesce(${change.suspend_timeout_seconds ?? null}, suspend_timeout_seconds),
      pg_settings = coalesce(${change.pg_settings ? sql.json(change.pg_settings) : null}, pg_settings),
      pgbouncer_settings = coalesce(${change.pgbouncer_settings ? sql.json(change.pgbouncer_settings) : null}, pgbouncer_settings),
      preload_libraries = coalesce(${change.preload_libraries ? sql.json(change.preload_libraries) : null}, preload_libraries),
      pooler_enabled = coalesce(${change.pooler_enabled ?? null}, pooler_enabled),
      disabled = coalesce(${change.disabled ?? null}, disabled),
      updated_at = now()
    where id = ${id}`
}

export async function setQuietApplications(
  sql: Queryable,
  id: string,
  names: readonly string[],
): Promise<void> {
  await sql`
    update endpoints set quiet_applications = ${[...names]}, updated_at = now()
    where id = ${id}`
}

/** Copies what the host saw of a compute. */
export async function recordComputeState(
  sql: Queryable,
  id: string,
  state: EndpointState,
  at: Date,
): Promise<void> {
  await sql`
    update endpoints set
      current_state = ${state},
      started_at = case when ${state} = 'active' then ${at} else started_at end,
      suspended_at = case when ${state} = 'idle' then ${at} else suspended_at end
    where id = ${id}`
}

export async function recordLastActive(sql: Queryable, id: string, at: Date): Promise<void> {
  await sql`
    update endpoints
    set last_active = greatest(case when last_active <= now() then last_active end, ${at})
    where id = ${id}`
}

export async function removeEndpoint(sql: Queryable, id: string): Promise<void> {
  await sql`delete from endpoints where id = ${id}`
}

/** Gives each of two branches the endpoints of the other. In a transaction. */
export async function exchangeEndpoints(sql: Queryable, one: string, other: string): Promise<void> {
  const rows = await sql<{ id: string; branch_id: string; type: EndpointType }[]>`
    select id, branch_id, type from endpoints where branch_id in (${one}, ${other}) for update`
  const idsOf = (branchId: string, type?: EndpointType): string[] =>
    rows
      .filter((row) => row.branch_id === branchId && (type ?? row.type) === row.type)
      .map((row) => row.id)
  const writers = idsOf(one, 'read_write')
  // A branch has at most one that writes, at every moment: those of the one step aside meanwhile.
  await sql`update endpoints set type = 'read_only' where id = any (${writers})`
  await sql`update endpoints set branch_id = ${one} where id = any (${idsOf(other)})`
  await sql`update endpoints set branch_id = ${other} where id = any (${idsOf(one)})`
  await sql`update endpoints set type = 'read_write' where id = any (${writers})`
}

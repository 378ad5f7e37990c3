import type { AwakeEventKind } from '@coppice/api'

import type { Cause } from '../../lib/cause.ts'
import type { Queryable } from './store.ts'

export interface ComputeEventRow {
  endpoint_id: string
  project_id: string
  branch_id: string
  at: Date
  event: AwakeEventKind
  cause: Cause
  /** The state that this has ended; null where none is known. */
  after: AwakeEventKind | null
  /** Of that state; of staying awake, so far. */
  duration_ms: number | null
  /** Compute units × milliseconds of the time awake that a sleep or a freeze has ended. */
  compute_ms: number | null
}

/** As long as hours of usage are kept. */
const retention = '400 days'
/** Of one endpoint: one that wakes every few minutes fills no disk. */
const maxEventsPerEndpoint = 10_000

export interface NewComputeEvent extends Omit<
  ComputeEventRow,
  'after' | 'duration_ms' | 'compute_ms'
> {
  /** Of a sleep or a freeze: compute units × milliseconds since PostgreSQL has started. */
  run_compute_ms: number | null
}

/**
 * What the state before was, how long it has lasted and what it has used are read off the endpoint's
 * events before: a compute that was frozen meanwhile has counted what it used until then.
 */
export async function insertComputeEvent(
  sql: Queryable,
  { endpoint_id, project_id, branch_id, at, event, cause, run_compute_ms }: NewComputeEvent,
): Promise<void> {
  if (event === 'stayed_awake') {
    await sql`
      insert into compute_events (endpoint_id, project_id, branch_id, at, event, cause, duration_ms)
      values (${endpoint_id}, ${project_id}, ${branch_id}, ${at}, ${event},
        ${sql.json({ ...cause })}, 0)`
    return
  }
  await sql`
    insert into compute_events (endpoint_id, project_id, branch_id, at, event, cause, after,
      duration_ms, run_compute_ms, compute_ms)
    select ${endpoint_id}, ${project_id}, ${branch_id}, ${at}, ${event}, ${sql.json({ ...cause })},
      before.event, extract(epoch from ${at}::timestamptz - before.at) * 1000, run.compute_ms,
      case when run.compute_ms is not null
        then greatest(0, run.compute_ms - coalesce(counted.run_compute_ms, 0)) end
    from (select ${run_compute_ms}::bigint as compute_ms) run
    left join lateral (
      select event, at from compute_events
      where endpoint_id = ${endpoint_id} and event <> 'stayed_awake'
      order by id desc limit 1) before on true
    left join lateral (
      select case when event = 'frozen' then run_compute_ms end as run_compute_ms
      from compute_events
      where endpoint_id = ${endpoint_id} and event in ('frozen', 'slept')
      order by id desc limit 1) counted on true`
}

/** Notes until when something has kept a compute awake since it woke. */
export async function recordStay(sql: Queryable, stay: NewComputeEvent): Promise<void> {
  const rows = await sql`
    update compute_events set duration_ms = extract(epoch from ${stay.at}::timestamptz - at) * 1000
    where id = (
      select max(id) from compute_events
      where endpoint_id = ${stay.endpoint_id} and event = 'stayed_awake'
        and cause = ${sql.json({ ...stay.cause })}
        and id > (select coalesce(max(id), 0) from compute_events
          where endpoint_id = ${stay.endpoint_id} and event <> 'stayed_awake'))
    returning id`
  if (rows.length === 0) await insertComputeEvent(sql, stay)
}

/** Newest first. */
export async function listComputeEvents(
  sql: Queryable,
  endpointId: string,
  limit: number,
): Promise<ComputeEventRow[]> {
  return sql<ComputeEventRow[]>`
    select endpoint_id, project_id, branch_id, at, event, cause, after, duration_ms, compute_ms
    from compute_events where endpoint_id = ${endpointId} order by id desc limit ${limit}`
}

/** Each endpoint's last change of state. */
export async function lastStateEvents(
  sql: Queryable,
): Promise<Pick<ComputeEventRow, 'endpoint_id' | 'event' | 'at'>[]> {
  return sql<Pick<ComputeEventRow, 'endpoint_id' | 'event' | 'at'>[]>`
    select distinct on (endpoint_id) endpoint_id, event, at from compute_events
    where event <> 'stayed_awake' order by endpoint_id, id desc`
}

/** What kept computes awake longest since a moment; at most so many for each endpoint. */
export async function longestStays(
  sql: Queryable,
  {
    projectIds,
    since,
    perEndpoint,
  }: { projectIds: readonly string[]; since: Date; perEndpoint: number },
): Promise<{ endpoint_id: string; cause: Cause; total_ms: number }[]> {
  return sql<{ endpoint_id: string; cause: Cause; total_ms: number }[]>`
    select endpoint_id, cause, total_ms from (
      select endpoint_id, cause, sum(duration_ms)::bigint as total_ms,
        row_number() over (partition by endpoint_id order by sum(duration_ms) desc) as place
      from compute_events
      where project_id = any (${[...projectIds]}) and at >= ${since} and event = 'stayed_awake'
      group by endpoint_id, cause
    ) stays where place <= ${perEndpoint} order by endpoint_id, place`
}

export async function trimComputeEvents(sql: Queryable): Promise<void> {
  await sql`delete from compute_events where at < now() - ${retention}::interval`
  await sql`
    delete from compute_events where id in (
      select id from (
        select id, row_number() over (partition by endpoint_id order by id desc) as place
        from compute_events) numbered
      where place > ${maxEventsPerEndpoint})`
}

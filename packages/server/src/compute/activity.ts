import type { AwakeReason } from '@coppice/api'
import type { Sql } from 'postgres'

import { steadyNow } from '../lib/steady-clock.ts'
import { superuserName } from './access-files.ts'
import type { OpenSession, SessionDetails } from './sessions.ts'

/**
 * What keeps a compute awake. Sessions that are open and idle do not, as on Neon; those that work, are
 * within a transaction or listen do, and so does work of the cluster itself that a stop would undo.
 */
export interface ServerActivity {
  reasons: AwakeReason[]
  /**
   * When a client's session last began or ended something, by `steadyNow()`. Of sessions that the gateway
   * does not tell of: those whose daemon has died.
   */
  lastChangeMs: number | undefined
}

/** The backends of sessions that are known. */
export interface KnownBackends {
  pids: readonly number[]
  /** Those that ask not to count. */
  quietPids: readonly number[]
}

interface BackendRow {
  backend_type: string
  state: string | null
  role: string | null
  database: string | null
  application_name: string
  since: string | null
  detail: string | null
  slot_name: string | null
  quiet: boolean
}

/** Bound on what is listed, not on what counts. */
const maxListed = 50

/** What a quiet session runs is let come to its end; its open transaction holds nothing up. */
export async function readActivity(
  sql: Sql,
  { pids, quietPids }: KnownBackends,
): Promise<ServerActivity> {
  // These connections know no types of arrays.
  const arrayOf = (some: readonly number[]) => sql`string_to_array(${some.join(',')}, ',')::int[]`
  const [known, quiet] = [arrayOf(pids), arrayOf(quietPids)]
  const backends = await sql<BackendRow[]>`
    select backend_type, state, usename as role, datname as database, application_name,
      to_json(coalesce(xact_start, query_start, backend_start)) #>> '{}' as since,
      case when backend_type = 'autovacuum worker' then left(query, 200) end as detail,
      (select slot_name from pg_replication_slots s where s.active_pid = a.pid limit 1) as slot_name,
      pid = any (${quiet}) as quiet
    from pg_stat_activity a
    where backend_type = 'autovacuum worker'
      or (backend_type = 'walsender' and usename <> ${superuserName})
      or (backend_type = 'client backend' and usename <> ${superuserName}
        and (state in ('active', 'fastpath function call')
          or (state like 'idle in transaction%' and not pid = any (${quiet}))))
    order by backend_start limit ${maxListed}`
  const [row] = await sql<{ unchanged_ms: string | null; prepared_since: string | null }[]>`
    select
      (select (extract(epoch from clock_timestamp() - max(state_change)) * 1000)::bigint::text
        from pg_stat_activity
        where backend_type = 'client backend' and usename <> ${superuserName}
          and not pid = any (${known})) as unchanged_ms,
      (select to_json(min(prepared)) #>> '{}' from pg_prepared_xacts) as prepared_since`
  const prepared = row?.prepared_since ?? null
  return {
    reasons: [
      ...backends.map(describeBackend),
      ...(prepared === null
        ? []
        : [{ reason: 'prepared transaction', since: timestamp(prepared) }]),
    ],
    lastChangeMs: row?.unchanged_ms
      ? steadyNow() - Math.max(0, Number(row.unchanged_ms))
      : undefined,
  }
}

function describeBackend(row: BackendRow): AwakeReason {
  return {
    reason: reasonOf(row),
    ...(row.role !== null && { role: row.role }),
    ...(row.database !== null && { database: row.database }),
    ...(row.application_name !== '' && { application_name: row.application_name }),
    ...(row.detail !== null && row.detail !== '' && { detail: row.detail }),
    ...(row.slot_name !== null && { slot_name: row.slot_name }),
    ...(row.since !== null && { since: timestamp(row.since) }),
    ...(row.quiet && { quiet: true }),
  }
}

function reasonOf(row: BackendRow): string {
  if (row.backend_type === 'walsender') return 'replication'
  if (row.backend_type === 'autovacuum worker') return 'autovacuum'
  return row.state?.startsWith('idle in transaction') ? 'in a transaction' : 'running a query'
}

export function describeListening(session: OpenSession): AwakeReason {
  return {
    reason: 'listening for notifications',
    ...describeClient(session),
    ...(session.listeningSince && { since: session.listeningSince.toISOString() }),
  }
}

/** Who has used a compute so often of late that it could not sleep. */
export function describeUse(session: OpenSession): AwakeReason {
  return { reason: 'in use', ...describeClient(session) }
}

export function describeClient(session: SessionDetails): Omit<AwakeReason, 'reason'> {
  const { role, database, applicationName, clientAddress = '' } = session
  return {
    role,
    database,
    ...(applicationName !== '' && { application_name: applicationName }),
    ...(clientAddress !== '' && { client_address: clientAddress }),
  }
}

const timestamp = (text: string): string => new Date(text).toISOString()

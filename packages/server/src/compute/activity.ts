import type { AwakeReason } from '@coppice/api'
import type { Sql } from 'postgres'

import { superuserName } from './access-files.ts'
import type { OpenSession } from './sessions.ts'

/**
 * What keeps a compute awake. Sessions that are open and idle do not, as on Neon; those that work, are
 * within a transaction or listen do, and so does work of the cluster itself that a stop would undo.
 */
export interface ServerActivity {
  reasons: AwakeReason[]
  /** When a client's session last began or ended something, in ms since the epoch. */
  lastChangeMs: number | undefined
}

interface BackendRow {
  backend_type: string
  state: string | null
  role: string | null
  database: string | null
  application_name: string
  since: string | null
}

/** Bound on what is listed, not on what counts. */
const maxListed = 50

export async function readActivity(sql: Sql): Promise<ServerActivity> {
  const backends = await sql<BackendRow[]>`
    select backend_type, state, usename as role, datname as database, application_name,
      to_json(coalesce(xact_start, query_start, backend_start)) #>> '{}' as since
    from pg_stat_activity
    where backend_type = 'autovacuum worker'
      or (backend_type = 'walsender' and usename <> ${superuserName})
      or (backend_type = 'client backend' and usename <> ${superuserName}
        and (state in ('active', 'fastpath function call') or state like 'idle in transaction%'))
    order by backend_start limit ${maxListed}`
  const [row] = await sql<{ last_change_ms: string | null; prepared_since: string | null }[]>`
    select
      (select (extract(epoch from max(state_change)) * 1000)::bigint::text from pg_stat_activity
        where backend_type = 'client backend' and usename <> ${superuserName}) as last_change_ms,
      (select to_json(min(prepared)) #>> '{}' from pg_prepared_xacts) as prepared_since`
  const prepared = row?.prepared_since ?? null
  return {
    reasons: [
      ...backends.map(describeBackend),
      ...(prepared === null
        ? []
        : [{ reason: 'prepared transaction', since: timestamp(prepared) }]),
    ],
    lastChangeMs: row?.last_change_ms ? Number(row.last_change_ms) : undefined,
  }
}

function describeBackend(row: BackendRow): AwakeReason {
  return {
    reason: reasonOf(row),
    ...(row.role !== null && { role: row.role }),
    ...(row.database !== null && { database: row.database }),
    ...(row.application_name !== '' && { application_name: row.application_name }),
    ...(row.since !== null && { since: timestamp(row.since) }),
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
    role: session.role,
    database: session.database,
    ...(session.applicationName !== '' && { application_name: session.applicationName }),
    ...(session.listeningSince && { since: session.listeningSince.toISOString() }),
  }
}

const timestamp = (text: string): string => new Date(text).toISOString()

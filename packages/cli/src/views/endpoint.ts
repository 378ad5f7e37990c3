import type { Endpoint } from '@coppice/api'

import { formatComputeUnits, formatSuspendTimeout, formatTime } from '../format.ts'
import { renderDetails, renderTable } from '../table.ts'
import { poolerInForce, poolerSet } from './pooler.ts'

/** Endpoints as a list; `branchNames` says what to call their branches. */
export async function endpointTable(
  endpoints: readonly Endpoint[],
  branchNames: ReadonlyMap<string, string>,
): Promise<string> {
  return renderTable<Endpoint>(
    [
      { title: 'id', value: (endpoint) => endpoint.id },
      { title: 'branch', value: ({ branch_id: id }) => branchNames.get(id) ?? id },
      { title: 'type', value: (endpoint) => endpoint.type },
      { title: 'state', value: stateOf },
      { title: 'size', value: sizeOf },
      { title: 'active', value: (endpoint) => formatTime(endpoint.last_active) },
    ],
    endpoints,
  )
}

/** One endpoint, whole. */
export async function endpointDetails(endpoint: Endpoint): Promise<string> {
  return renderDetails([
    ['Endpoint', endpoint.id],
    ['Name', endpoint.name],
    ['Host', endpoint.host],
    ['Branch', endpoint.branch_id],
    ['Type', endpoint.type],
    ['State', stateOf(endpoint)],
    ['Size', sizeOf(endpoint)],
    ['Shares', endpoint.compute_name && `compute ${endpoint.compute_name}`],
    ['Suspends', suspendsAfter(endpoint.suspend_timeout_seconds)],
    ['Pooler', poolerInForce(endpoint.pooler_settings)],
    ['Pooler set', poolerSet(endpoint.settings.pgbouncer_settings)],
    ['Active', formatTime(endpoint.last_active)],
    ['Started', formatTime(endpoint.started_at)],
    ['Created', formatTime(endpoint.created_at)],
  ])
}

function stateOf({ current_state: now, pending_state: next, disabled }: Endpoint): string {
  if (disabled) return `${now}, disabled`
  return next === undefined || next === now ? now : `${now}, becoming ${next}`
}

function sizeOf(endpoint: Endpoint): string {
  return formatComputeUnits(endpoint.autoscaling_limit_min_cu, endpoint.autoscaling_limit_max_cu)
}

function suspendsAfter(seconds: number): string {
  if (seconds < 0) return 'never'
  const span = formatSuspendTimeout(seconds)
  return seconds === 0 ? 'after the default time' : `after ${span} without activity`
}

/** What keeps a compute awake, when and why it woke, froze and slept, and what that has cost. Never wakes it. */
import type { AwakeEvent, AwakeReason, AwakeSession, EndpointAwake } from '@coppice/api'

import { describeClient } from '../compute/activity.ts'
import { type Compute, isActive } from '../compute/compute.ts'
import type { OpenSession } from '../compute/sessions.ts'
import { steadyDate } from '../lib/steady-clock.ts'
import type { Context } from './context.ts'
import { pricesInForce } from './cost/price-list.ts'
import { computeCost } from './cost/prices.ts'
import { endpointState, requireEndpoint } from './endpoints.ts'
import { putCompute } from './put-compute.ts'
import { type ComputeEventRow, listComputeEvents } from './store/compute-events.ts'
import { setQuietApplications } from './store/endpoints.ts'

/** Bound on what is listed, not on what counts. */
const maxSessions = 50

export async function getAwake(
  context: Context,
  projectId: string,
  endpointId: string,
  limit: number,
): Promise<EndpointAwake> {
  const endpoint = await requireEndpoint(context, projectId, endpointId)
  const { prices } = await pricesInForce(context)
  const events = await listComputeEvents(context.store, endpointId, limit)
  const compute = context.host.get(endpointId) ?? (await putCompute(context, endpointId))
  const isFrozen = compute.state === 'frozen'
  const isUp = isActive(compute.state)
  const awake = isUp ? await whyAwake(compute) : []
  const timeout = compute.spec.suspendTimeoutSeconds
  const suspendAt = new Date(compute.lastActiveAt.getTime() + timeout * 1000)
  const computeMs = isUp ? compute.usage.runComputeMs : 0
  return {
    endpoint_id: endpointId,
    branch_id: endpoint.branch_id,
    branch_name: compute.spec.labels['branch_name'] ?? endpoint.branch_id,
    current_state: endpointState(compute.state),
    frozen: isFrozen,
    suspend_timeout_seconds: timeout,
    ...(compute.startedAt && { started_at: compute.startedAt.toISOString() }),
    last_active: compute.lastActiveAt.toISOString(),
    ...(isUp && timeout >= 0 && { suspend_at: suspendAt.toISOString() }),
    awake,
    compute_unit_seconds: computeMs / 1000,
    cost: computeCost(computeMs, prices),
    currency: prices.currency,
    quiet_applications: [...compute.spec.quietApplications],
    sessions: compute.sessions.slice(0, maxSessions).map(presentSession),
    events: events.map((event) => presentEvent(event, (ms) => computeCost(ms, prices))),
  }
}

/** Clients with these application names neither wake the compute nor keep it awake, from now on. */
export async function changeAwake(
  context: Context,
  projectId: string,
  endpointId: string,
  quietApplications: readonly string[],
): Promise<void> {
  await requireEndpoint(context, projectId, endpointId)
  await setQuietApplications(context.store, endpointId, [...new Set(quietApplications)])
  await putCompute(context, endpointId)
}

/** What is going on, and what was until a moment ago, for which the timeout has to pass. */
async function whyAwake(compute: Compute): Promise<AwakeReason[]> {
  const reasons = await compute.activity()
  const windowMs = Math.max(0, compute.spec.suspendTimeoutSeconds) * 1000
  const since = Math.max(Date.now() - windowMs, compute.startedAt?.getTime() ?? 0)
  const isSince = (steadyMs: number): boolean => steadyDate(steadyMs).getTime() >= since
  const [latest] = compute.sessions.filter((one) => one.quiet !== true && isSince(one.lastActiveMs))
  const { platformUse } = compute
  return [
    ...reasons,
    ...(latest === undefined ? [] : [recentUse(latest)]),
    ...(platformUse === undefined || !isSince(platformUse.atMs)
      ? []
      : [
          {
            reason: 'was used by the platform',
            detail: [platformUse.cause.reason, platformUse.cause.detail].filter(Boolean).join(' '),
            since: steadyDate(platformUse.atMs).toISOString(),
          },
        ]),
  ]
}

function recentUse(session: OpenSession): AwakeReason {
  const { role, database, application_name, client_address } = presentSession(session)
  return {
    reason: 'was used by a client',
    role,
    database,
    ...(application_name !== undefined && { application_name }),
    ...(client_address !== undefined && { client_address }),
    since: steadyDate(session.lastActiveMs).toISOString(),
  }
}

function presentSession(session: OpenSession): AwakeSession {
  const { role, database } = session
  return {
    ...describeClient(session),
    role,
    database,
    pooled: session.pooled === true,
    quiet: session.quiet === true,
    connected_at: session.openedAt.toISOString(),
    last_active: steadyDate(session.lastActiveMs).toISOString(),
  }
}

function presentEvent(row: ComputeEventRow, costOf: (computeMs: number) => number): AwakeEvent {
  return {
    at: row.at.toISOString(),
    event: row.event,
    ...row.cause,
    ...(row.after !== null && { after: row.after }),
    ...(row.duration_ms !== null && { duration_seconds: row.duration_ms / 1000 }),
    ...(row.compute_ms !== null && {
      compute_unit_seconds: row.compute_ms / 1000,
      cost: costOf(row.compute_ms),
    }),
  }
}

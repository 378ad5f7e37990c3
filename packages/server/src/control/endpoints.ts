import type { EndpointCreate, EndpointState, EndpointUpdate } from '@coppice/api'

import type { ComputeState } from '../compute/compute.ts'
import { checkPgSettings } from '../compute/pg-settings.ts'
import { AppError } from '../lib/errors.ts'
import type { Context } from './context.ts'
import { checkSuspendTimeout, planEndpoint } from './endpoint-plan.ts'
import { requireBranch, requireProject } from './lookups.ts'
import { runOperation } from './operations/runner.ts'
import { changePoolerSettings } from './pooler-settings.ts'
import { putCompute, removeCompute } from './put-compute.ts'
import { resolveSize } from './sizes.ts'
import * as store from './store/endpoints.ts'
import type { EndpointRow } from './store/endpoints.ts'
import { insertOperation, type OperationRow } from './store/operations.ts'
import { isUniqueViolation } from './store/store.ts'

export interface EndpointChange {
  endpoint: EndpointRow
  operations: OperationRow[]
}

export async function createEndpoint(
  context: Context,
  projectId: string,
  request: EndpointCreate['endpoint'],
): Promise<EndpointChange> {
  const project = await requireProject(context, projectId)
  const branch = await requireBranch(context, projectId, request.branch_id)
  const endpoint = planEndpoint(project, branch.id, request)
  const operation = await context.store
    .begin(async (sql) => {
      await store.insertEndpoint(sql, endpoint)
      return insertOperation(sql, {
        project_id: projectId,
        branch_id: branch.id,
        endpoint_id: endpoint.id,
        action: 'start_compute',
      })
    })
    .catch((error: unknown) => {
      if (!isUniqueViolation(error)) throw error
      throw new AppError(
        'endpoint_exists',
        `branch ${branch.name} already has a read_write endpoint`,
      )
    })
  await putCompute(context, endpoint.id)
  const finished = await runOperation(context, operation)
  return {
    endpoint: await requireEndpoint(context, projectId, endpoint.id),
    operations: [finished],
  }
}

export async function requireEndpoint(
  context: Context,
  projectId: string,
  id: string,
): Promise<EndpointRow> {
  const endpoint = await store.findEndpoint(context.store, projectId, id)
  if (endpoint === undefined) {
    await requireProject(context, projectId)
    throw new AppError('endpoint_not_found', `endpoint ${id} does not exist`)
  }
  return withLiveState(context, endpoint)
}

/** The store's copy of a compute's state may be a moment old; the host knows. */
export function withLiveState(context: Context, endpoint: EndpointRow): EndpointRow {
  const compute = context.host.get(endpoint.id)
  if (compute === undefined) return endpoint
  return { ...endpoint, current_state: endpointState(compute.state) }
}

/** A compute's state in Neon's words; one that is going to sleep is not asleep yet. */
export function endpointState(state: ComputeState): EndpointState {
  if (state === 'idle') return 'idle'
  return state === 'starting' ? 'init' : 'active'
}

/** One change after another: each is made to what the one before has left. */
export async function updateEndpoint(
  context: Context,
  projectId: string,
  id: string,
  change: EndpointUpdate['endpoint'],
): Promise<EndpointRow> {
  return context.locks.run(`settings ${id}`, async () =>
    changeEndpoint(context, projectId, id, change),
  )
}

async function changeEndpoint(
  context: Context,
  projectId: string,
  id: string,
  change: EndpointUpdate['endpoint'],
): Promise<EndpointRow> {
  const current = await requireEndpoint(context, projectId, id)
  const pg_settings = change.settings?.pg_settings
  if (pg_settings !== undefined) checkPgSettings(pg_settings)
  const size = resolveSize(
    { min: change.autoscaling_limit_min_cu, max: change.autoscaling_limit_max_cu },
    { autoscaling_limit_min_cu: current.min_cu, autoscaling_limit_max_cu: current.max_cu },
  )
  await store.updateEndpoint(context.store, id, {
    ...size,
    ...(change.name !== undefined && { name: change.name }),
    ...(change.suspend_timeout_seconds !== undefined && {
      suspend_timeout_seconds: checkSuspendTimeout(change.suspend_timeout_seconds),
    }),
    ...(pg_settings !== undefined && { pg_settings }),
    pgbouncer_settings: changePoolerSettings(
      current.pgbouncer_settings,
      change.settings?.pgbouncer_settings,
    ),
    ...(change.pooler_enabled !== undefined && { pooler_enabled: change.pooler_enabled }),
    ...(change.disabled !== undefined && { disabled: change.disabled }),
  })
  await putCompute(context, id)
  if (change.disabled === true) await context.host.get(id)?.suspend({ force: true })
  return requireEndpoint(context, projectId, id)
}

export async function deleteEndpoint(
  context: Context,
  projectId: string,
  id: string,
): Promise<EndpointChange> {
  const endpoint = await requireEndpoint(context, projectId, id)
  const operation = await insertOperation(context.store, {
    project_id: projectId,
    branch_id: endpoint.branch_id,
    endpoint_id: id,
    action: 'suspend_compute',
  })
  const finished = await runOperation(context, operation)
  await store.removeEndpoint(context.store, id)
  await removeCompute(context, id)
  return { endpoint, operations: [finished] }
}

/** Starts, suspends or restarts by command. A command that finds its work done is still answered 200. */
export async function commandEndpoint(
  context: Context,
  projectId: string,
  id: string,
  command: 'start' | 'suspend' | 'restart',
): Promise<EndpointChange> {
  const endpoint = await requireEndpoint(context, projectId, id)
  if (command !== 'suspend' && endpoint.disabled) {
    throw new AppError('endpoint_disabled', `endpoint ${id} is disabled; enable it first`)
  }
  if (command !== 'suspend') context.host.get(id)?.requireUnblocked()
  if (command === 'restart' && endpoint.current_state === 'idle') {
    throw new AppError('invalid_request', `endpoint ${id} is idle; start it instead`)
  }
  const operations: OperationRow[] = []
  const run = async (action: 'suspend_compute' | 'start_compute'): Promise<void> => {
    const operation = await insertOperation(context.store, {
      project_id: projectId,
      branch_id: endpoint.branch_id,
      endpoint_id: id,
      action,
    })
    operations.push(await runOperation(context, operation))
  }
  if (command !== 'start') await run('suspend_compute')
  if (command !== 'suspend') await run('start_compute')
  return { endpoint: await requireEndpoint(context, projectId, id), operations }
}

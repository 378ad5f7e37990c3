import { isDeepStrictEqual } from 'node:util'

import type { EndpointCreate, EndpointState, EndpointUpdate } from '@coppice/api'

import type { ComputeState } from '../compute/compute.ts'
import { checkPgSettings } from '../compute/pg-settings.ts'
import { AppError } from '../lib/errors.ts'
import type { Context } from './context.ts'
import { checkSuspendTimeout, planEndpoint, refuseWhatIsNotThere } from './endpoint-plan.ts'
import { branchNotFound, requireBranch, requireProject } from './lookups.ts'
import { runInBackground, runOperation } from './operations/runner.ts'
import { changePoolerSettings } from './pooler-settings.ts'
import { requireLibraries } from './preload-libraries.ts'
import { putCompute, removeCompute } from './put-compute.ts'
import { requireSharedCompute, chooseSharedCompute, sizeOfShared } from './shared-computes.ts'
import { resolveSize } from './sizes.ts'
import { shareLiveBranch } from './store/branches.ts'
import * as store from './store/endpoints.ts'
import type { EndpointRow } from './store/endpoints.ts'
import { insertOperation, type OperationRow } from './store/operations.ts'
import { isUniqueViolation, transact } from './store/store.ts'

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
  checkRegion(context, request.region_id)
  const where = { isOfNewBranch: false }
  const computeId = await chooseSharedCompute(context, projectId, request, where)
  const endpoint = planEndpoint(project, branch.id, request, computeId)
  await requireLibraries(context, project.pg_version, request.settings?.preload_libraries)
  const operations = await transact(context.store, async (sql) => {
    if (!(await shareLiveBranch(sql, branch.id))) throw branchNotFound(branch.name)
    await store.insertEndpoint(sql, endpoint)
    return endpoint.disabled
      ? []
      : [await insertOperation(sql, operationOn(endpoint, 'start_compute'))]
  }).catch((error: unknown) => {
    if (!isUniqueViolation(error)) throw error
    throw new AppError('endpoint_exists', `branch ${branch.name} already has a read_write endpoint`)
  })
  await registerLive(context, endpoint)
  const finished: OperationRow[] = []
  try {
    for (const operation of operations) finished.push(await runOperation(context, operation))
  } catch (error) {
    // Nobody was told of it: its settings may keep PostgreSQL from starting.
    await store.removeEndpoint(context.store, endpoint.id)
    await removeCompute(context, endpoint.id)
    throw error
  }
  return {
    endpoint: await requireEndpoint(context, projectId, endpoint.id),
    operations: finished,
  }
}

function checkRegion(context: Context, region: string | undefined): void {
  if (region === undefined || region === context.settings.region) return
  throw new AppError(
    'invalid_request',
    `unknown region ${region}; this platform is region ${context.settings.region}`,
  )
}

/** In its branch's turn, so that a deletion of the branch either sees the compute or comes first. */
async function registerLive(
  context: Context,
  endpoint: Pick<EndpointRow, 'id' | 'project_id' | 'branch_id'>,
): Promise<void> {
  await context.locks.run(endpoint.branch_id, async () => {
    const { id, project_id } = endpoint
    if (await store.findEndpoint(context.store, project_id, id)) await putCompute(context, id)
  })
}

const operationOn = (
  endpoint: Pick<EndpointRow, 'id' | 'project_id' | 'branch_id'>,
  action: 'suspend_compute' | 'start_compute',
) => ({
  project_id: endpoint.project_id,
  branch_id: endpoint.branch_id,
  endpoint_id: endpoint.id,
  action,
})

/**
 * Restarts a compute beside the request, where it is awake, so that it runs with what has changed; one
 * that sleeps takes it when it starts.
 */
export async function restartIfAwake(
  context: Context,
  endpoint: EndpointRow,
): Promise<OperationRow[]> {
  if ((context.host.get(endpoint.id)?.state ?? 'idle') === 'idle') return []
  const operations: OperationRow[] = []
  for (const action of ['suspend_compute', 'start_compute'] as const) {
    const operation = await insertOperation(context.store, operationOn(endpoint, action))
    operations.push(operation)
    // Those of one branch run one after another.
    runInBackground(context, operation)
  }
  return operations
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

/** A compute's state in Neon's words; one that is frozen or going to sleep is not asleep yet. */
export function endpointState(state: ComputeState): EndpointState {
  if (state === 'idle') return 'idle'
  return state === 'starting' ? 'init' : 'active'
}

/**
 * One change after another: each is made to what the one before has left. What PostgreSQL reads at its
 * start only restarts a compute that is awake; a size is changed while it runs.
 */
export async function updateEndpoint(
  context: Context,
  projectId: string,
  id: string,
  change: EndpointUpdate['endpoint'],
): Promise<EndpointChange> {
  return context.locks.run(`settings ${id}`, async () =>
    changeEndpoint(context, projectId, id, change),
  )
}

async function changeEndpoint(
  context: Context,
  projectId: string,
  id: string,
  change: EndpointUpdate['endpoint'],
): Promise<EndpointChange> {
  const current = await requireEndpoint(context, projectId, id)
  const changed = await planChange(context, current, change)
  await store.updateEndpoint(context.store, id, changed)
  await registerLive(context, current)
  const operations: OperationRow[] = []
  if (change.disabled === true) {
    const operation = await insertOperation(context.store, operationOn(current, 'suspend_compute'))
    operations.push(await runOperation(context, operation))
  } else if (needsRestart(current, changed)) {
    operations.push(...(await restartIfAwake(context, current)))
  }
  return { endpoint: await requireEndpoint(context, projectId, id), operations }
}

async function planChange(
  context: Context,
  current: EndpointRow,
  change: EndpointUpdate['endpoint'],
): Promise<store.EndpointUpdate> {
  refuseWhatIsNotThere(change)
  if (change.branch_id !== undefined && change.branch_id !== current.branch_id) {
    throw new AppError(
      'not_available',
      'a compute cannot move to another branch; delete it and add one to that branch',
    )
  }
  const { pg_settings, preload_libraries, pgbouncer_settings } = change.settings ?? {}
  if (pg_settings !== undefined) checkPgSettings(pg_settings)
  if (preload_libraries !== undefined) {
    const project = await requireProject(context, current.project_id)
    await requireLibraries(context, project.pg_version, preload_libraries)
  }
  return {
    ...(await planCompute(context, current, change)),
    ...resolveSize(
      { min: change.autoscaling_limit_min_cu, max: change.autoscaling_limit_max_cu },
      { autoscaling_limit_min_cu: current.min_cu, autoscaling_limit_max_cu: current.max_cu },
    ),
    ...(change.name !== undefined && { name: change.name }),
    ...(change.suspend_timeout_seconds !== undefined && {
      suspend_timeout_seconds: checkSuspendTimeout(change.suspend_timeout_seconds),
    }),
    ...(pg_settings !== undefined && { pg_settings }),
    ...(preload_libraries !== undefined && { preload_libraries }),
    pgbouncer_settings: changePoolerSettings(current.pgbouncer_settings, pgbouncer_settings),
    ...(change.pooler_enabled !== undefined && { pooler_enabled: change.pooler_enabled }),
    ...(change.disabled !== undefined && { disabled: change.disabled }),
  }
}

/** The compute that it is to share; its own size may only be set where that is what counts. */
async function planCompute(
  context: Context,
  current: EndpointRow,
  change: EndpointUpdate['endpoint'],
): Promise<Pick<store.EndpointUpdate, 'compute_id'>> {
  const { compute_id: compute } = change
  const { autoscaling_limit_min_cu: min, autoscaling_limit_max_cu: max } = change
  const name = compute === undefined ? current.compute?.name : compute
  if (name && (min !== undefined || max !== undefined)) throw sizeOfShared(name)
  if (compute === undefined) return {}
  if (compute === null) return { compute_id: null }
  return { compute_id: (await requireSharedCompute(context, current.project_id, compute)).id }
}

/** Whether a change is of what PostgreSQL reads at its start only. */
function needsRestart(current: EndpointRow, changed: store.EndpointUpdate): boolean {
  const names = ['pg_settings', 'preload_libraries'] as const
  return names.some(
    (name) => changed[name] !== undefined && !isDeepStrictEqual(changed[name], current[name]),
  )
}

export async function deleteEndpoint(
  context: Context,
  projectId: string,
  id: string,
): Promise<EndpointChange> {
  const endpoint = await requireEndpoint(context, projectId, id)
  const branch = await requireBranch(context, projectId, endpoint.branch_id)
  if (branch.protected) {
    throw new AppError(
      'branch_is_protected',
      `branch ${branch.name} is protected and keeps its compute; unprotect it first`,
    )
  }
  const operation = await insertOperation(context.store, operationOn(endpoint, 'suspend_compute'))
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
    const operation = await insertOperation(context.store, operationOn(endpoint, action))
    operations.push(await runOperation(context, operation))
  }
  if (command !== 'start') await run('suspend_compute')
  if (command !== 'suspend') await run('start_compute')
  return { endpoint: await requireEndpoint(context, projectId, id), operations }
}

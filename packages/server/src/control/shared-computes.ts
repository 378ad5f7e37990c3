import type { SharedComputeCreate, SharedComputeUpdate } from '@coppice/api'

import { AppError } from '../lib/errors.ts'
import { newComputeId } from '../lib/ids.ts'
import type { Context } from './context.ts'
import { requireProject } from './lookups.ts'
import { refreshComputes } from './put-compute.ts'
import { resolveSize } from './sizes.ts'
import * as store from './store/computes.ts'
import type { ComputeRow } from './store/computes.ts'
import { isUniqueViolation } from './store/store.ts'

/** A compute that endpoints share, with its size in force, where one of them is awake. */
export interface SharedComputeState {
  compute: ComputeRow
  units: number | undefined
}

export async function listSharedComputes(
  context: Context,
  projectId: string,
): Promise<SharedComputeState[]> {
  await requireProject(context, projectId)
  const rows = await store.listComputes(context.store, projectId)
  return rows.map((row) => withUnits(context, row))
}

export async function createSharedCompute(
  context: Context,
  projectId: string,
  wanted: SharedComputeCreate['compute'],
): Promise<SharedComputeState> {
  const project = await requireProject(context, projectId)
  const size = resolveSize(
    { min: wanted.autoscaling_limit_min_cu, max: wanted.autoscaling_limit_max_cu },
    project.default_endpoint_settings,
  )
  const id = newComputeId()
  const name = checkName(wanted.name)
  const for_new_branches = wanted.for_new_branches ?? false
  await context.store
    .begin(async (sql) => {
      if (for_new_branches) await store.clearForNewBranches(sql, projectId)
      await store.insertCompute(sql, { id, project_id: projectId, name, ...size, for_new_branches })
    })
    .catch(refuseTaken(name))
  return withUnits(context, await requireSharedCompute(context, projectId, id))
}

/** What is awake in it has the new size at once. */
export async function updateSharedCompute(
  context: Context,
  projectId: string,
  idOrName: string,
  change: SharedComputeUpdate['compute'],
): Promise<SharedComputeState> {
  const { id } = await requireSharedCompute(context, projectId, idOrName)
  await context.locks.run(`shared compute ${id}`, async () => {
    const current = await requireSharedCompute(context, projectId, id)
    const size = resolveSize(
      { min: change.autoscaling_limit_min_cu, max: change.autoscaling_limit_max_cu },
      { autoscaling_limit_min_cu: current.min_cu, autoscaling_limit_max_cu: current.max_cu },
    )
    const name = change.name === undefined ? current.name : checkName(change.name)
    const for_new_branches = change.for_new_branches ?? current.for_new_branches
    await context.store
      .begin(async (sql) => {
        if (for_new_branches) await store.clearForNewBranches(sql, projectId)
        await store.updateCompute(sql, id, { name, ...size, for_new_branches })
      })
      .catch(refuseTaken(name))
  })
  await refreshComputes(context, { projectId })
  return withUnits(context, await requireSharedCompute(context, projectId, id))
}

/** Its endpoints go on, in computes of their own. */
export async function deleteSharedCompute(
  context: Context,
  projectId: string,
  idOrName: string,
): Promise<SharedComputeState> {
  const compute = await requireSharedCompute(context, projectId, idOrName)
  await store.removeCompute(context.store, compute.id)
  await refreshComputes(context, { projectId })
  return { compute, units: undefined }
}

/**
 * The compute that a new endpoint shares: the one that was asked for; for a new branch that asks for no
 * size either the project's for such, where it has one. Null for one of its own.
 */
export async function chooseSharedCompute(
  context: Context,
  projectId: string,
  request: {
    compute_id?: string | null
    autoscaling_limit_min_cu?: number
    autoscaling_limit_max_cu?: number
  },
  { isOfNewBranch }: { isOfNewBranch: boolean },
): Promise<string | null> {
  const {
    compute_id: compute,
    autoscaling_limit_min_cu: min,
    autoscaling_limit_max_cu: max,
  } = request
  const asksForSize = min !== undefined || max !== undefined
  if (compute === null) return null
  if (compute !== undefined) {
    if (asksForSize) throw sizeOfShared(compute)
    return (await requireSharedCompute(context, projectId, compute)).id
  }
  if (!isOfNewBranch || asksForSize) return null
  return (await store.findComputeForNewBranches(context.store, projectId))?.id ?? null
}

export async function requireSharedCompute(
  context: Context,
  projectId: string,
  idOrName: string,
): Promise<ComputeRow> {
  const found = await store.findCompute(context.store, projectId, idOrName)
  if (found !== undefined) return found
  await requireProject(context, projectId)
  throw new AppError(
    'compute_not_found',
    `compute ${idOrName} does not exist; \`coppice computes list\` shows those of the project`,
  )
}

export const sizeOfShared = (name: string): AppError =>
  new AppError(
    'invalid_request',
    `an endpoint in the shared compute ${name} has its size; change that of the compute (coppice computes set ${name} --cu …), or leave it (compute_id: null)`,
  )

function withUnits(context: Context, compute: ComputeRow): SharedComputeState {
  const awake = compute.endpoint_ids
    .map((id) => context.host.get(id))
    .find((one) => one !== undefined && one.state !== 'idle' && one.spec.sharedCompute !== '')
  return { compute, units: awake?.size.units }
}

function checkName(text: string): string {
  const name = text.trim()
  if (name !== '' && !name.startsWith('compute-')) return name
  throw new AppError(
    'invalid_request',
    'the name of a compute is not empty and does not begin with compute-, as ids do',
  )
}

const refuseTaken = (name: string) => (error: unknown) => {
  if (!isUniqueViolation(error)) throw error
  throw new AppError('compute_exists', `the project has a compute named ${name} already`)
}

import type { Compute } from '../compute/compute.ts'
import type { ClusterCatalog } from '../compute/spec.ts'
import { AppError } from '../lib/errors.ts'
import { computeSpec } from './compute-spec.ts'
import type { Context } from './context.ts'
import { findPlacedEndpoint, listBranchEndpoints, listEndpointIds } from './store/endpoints.ts'
import { recordUsage } from './usage.ts'

/**
 * The host's copy of what the store says of an endpoint. A spec is made from three rows that change at
 * different times: each time it is read anew, one after another for an endpoint, so that the last that
 * is told holds all that was committed before.
 */

/** Tells the host of an endpoint, new or not. */
export async function putCompute(
  context: Context,
  endpointId: string,
  options: { catalog?: ClusterCatalog | undefined } = {},
): Promise<Compute> {
  return inTurn(context, endpointId, async () => {
    const endpoint = await findPlacedEndpoint(context.store, endpointId)
    // Somebody else may have deleted it since the caller saw it.
    if (endpoint === undefined) {
      throw new AppError('endpoint_not_found', `endpoint ${endpointId} does not exist`)
    }
    return context.host.put(computeSpec(context, endpoint), options)
  })
}

/** Tells the host of all endpoints of a branch. */
export async function putBranchComputes(
  context: Context,
  branchId: string,
  options: { catalog?: ClusterCatalog | undefined } = {},
): Promise<void> {
  for (const { id } of await listBranchEndpoints(context.store, branchId)) {
    await putCompute(context, id, options)
  }
}

/** Whether the host knows all endpoints of a branch, with the data that they have by the store. */
export async function areComputesPut(context: Context, branchId: string): Promise<boolean> {
  for (const { id } of await listBranchEndpoints(context.store, branchId)) {
    const endpoint = await findPlacedEndpoint(context.store, id)
    if (endpoint === undefined) continue
    const { dataDirectory } = computeSpec(context, endpoint)
    if (context.host.get(id)?.spec.dataDirectory !== dataDirectory) return false
  }
  return true
}

/** Tells the host of a change of a project or a branch; computes that it does not know stay unknown. */
export async function refreshComputes(
  context: Context,
  of: { projectId: string; branchId?: string },
): Promise<void> {
  for (const id of await listEndpointIds(context.store, of)) {
    await inTurn(context, id, async () => {
      const endpoint = context.host.get(id) && (await findPlacedEndpoint(context.store, id))
      if (endpoint) await context.host.put(computeSpec(context, endpoint))
    })
  }
}

/** Takes an endpoint's compute away from the host, and a replica's volume; what it has used is kept. */
export async function removeCompute(context: Context, endpointId: string): Promise<void> {
  await inTurn(context, endpointId, async () => {
    const compute = context.host.get(endpointId)
    if (compute) await recordUsage(context, [compute])
    await context.host.remove(endpointId)
    await context.volumes.destroy(endpointId)
  })
}

async function inTurn<T>(context: Context, endpointId: string, work: () => Promise<T>): Promise<T> {
  return context.locks.run(`compute ${endpointId}`, work)
}

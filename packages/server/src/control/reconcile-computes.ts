import { pastEndpointPrefix } from '../lib/ids.ts'
import type { Context } from './context.ts'
import { projectLock } from './projects.ts'
import { removeCompute } from './put-compute.ts'
import { registerCompute } from './register-compute.ts'
import { listLiveEndpoints, type PlacedEndpoint, recordComputeState } from './store/endpoints.ts'

/**
 * Makes the host's computes equal to the endpoints that should exist: after a crash one may be missing
 * or left over. Called once at start, when nothing else changes either.
 */
export async function reconcileComputes(context: Context): Promise<void> {
  const live = await listLiveEndpoints(context.store)
  const wanted = new Set(live.map((endpoint) => endpoint.id))
  for (const { spec } of context.host.list()) {
    if (!wanted.has(spec.endpointId)) await removeLeft(context, spec.endpointId)
  }
  for (const endpoint of live) {
    await registerCompute(context, endpoint)
    const isUp = ['active', 'frozen'].includes(context.host.get(endpoint.id)?.state ?? '')
    const state = isUp ? 'active' : 'idle'
    if (state !== endpoint.current_state) {
      await recordComputeState(context.store, endpoint.id, state, new Date())
    }
  }
}

/**
 * The same while others work, for what was let go of: the store did not answer when a project had been
 * deleted, or a compute could not be told of its new data. Whoever works on a branch or a project has its
 * lock, so that what is amiss and without it twice in a row is in nobody's hands.
 */
export function createLeftComputesReconciler(): (context: Context) => Promise<void> {
  let seen = new Set<string>()
  return async function reconcileLeftComputes(context) {
    const idle = (await findAmiss(context)).filter(
      ({ branchId, projectId }) =>
        !context.locks.isHeld(branchId) && !context.locks.isHeld(projectLock(projectId)),
    )
    const left = idle.filter(({ endpointId }) => seen.has(endpointId))
    seen = new Set(idle.map(({ endpointId }) => endpointId))
    for (const { branchId } of left) {
      await context.locks.run(branchId, async () => {
        // It may have been put right while the one before it was.
        const amiss = (await findAmiss(context)).filter((one) => one.branchId === branchId)
        for (const { endpointId, endpoint } of amiss) {
          if (endpoint === undefined) await removeLeft(context, endpointId)
          else await registerCompute(context, endpoint)
        }
      })
    }
  }
}

interface Amiss {
  endpointId: string
  branchId: string
  projectId: string
  /** Of one that the host does not know; undefined where the host knows one too many. */
  endpoint: PlacedEndpoint | undefined
}

async function findAmiss({ store, host }: Context): Promise<Amiss[]> {
  const live = await listLiveEndpoints(store)
  const wanted = new Set(live.map(({ id }) => id))
  const extra = host
    .list()
    .map(({ spec }) => spec)
    .filter(({ endpointId: id }) => !wanted.has(id) && !id.startsWith(pastEndpointPrefix))
  return [
    ...extra.map(({ endpointId, labels }) => ({
      endpointId,
      branchId: String(labels['branch_id']),
      projectId: String(labels['project_id']),
      endpoint: undefined,
    })),
    ...live
      .filter(({ id }) => host.get(id) === undefined)
      .map((endpoint) => ({
        endpointId: endpoint.id,
        branchId: endpoint.branch_id,
        projectId: endpoint.project_id,
        endpoint,
      })),
  ]
}

async function removeLeft(context: Context, endpointId: string): Promise<void> {
  context.log.info({ endpoint_id: endpointId }, 'removing a compute without endpoint')
  await context.host.get(endpointId)?.suspend({ force: true })
  await removeCompute(context, endpointId)
}

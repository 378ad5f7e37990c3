import type { Compute } from '../compute/compute.ts'
import type { Context } from './context.ts'
import { putBranchComputes } from './put-compute.ts'
import { listBranchEndpoints } from './store/endpoints.ts'

/** Runs work while no compute of these branches runs or can be woken; who wants one meanwhile waits. */
export async function whileStopped<T>(
  context: Context,
  branchIds: readonly string[],
  work: (computes: Compute[]) => Promise<T>,
): Promise<T> {
  const computes: Compute[] = []
  for (const id of branchIds) {
    for (const endpoint of await listBranchEndpoints(context.store, id)) {
      const compute = context.host.get(endpoint.id)
      if (compute !== undefined) computes.push(compute)
    }
  }
  return computes.reduceRight<() => Promise<T>>(
    (inner, compute) => async () => compute.whileStopped(inner),
    async () => work(computes),
  )()
}

/**
 * Changes what data these branches have while none of their computes can run, and tells the computes what
 * the rows say then: whether the change was made, was not, or nobody knows, since the store has gone.
 * Those that cannot be told are forgotten, for they would go on with data that is another branch's by now;
 * a reconciler tells the host anew.
 */
export async function exchangeWhileStopped(
  context: Context,
  branchIds: readonly string[],
  exchange: () => Promise<void>,
): Promise<void> {
  await whileStopped(context, branchIds, async (computes) => {
    try {
      await exchange()
    } finally {
      await tellOrForget(context, branchIds, computes)
    }
  })
}

async function tellOrForget(
  context: Context,
  branchIds: readonly string[],
  computes: readonly Compute[],
): Promise<void> {
  try {
    for (const id of branchIds) await putBranchComputes(context, id)
  } catch (error) {
    for (const { spec } of computes) await context.host.remove(spec.endpointId)
    throw error
  }
}

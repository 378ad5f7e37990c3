import type { Compute } from '../compute/compute.ts'
import type { Context } from './context.ts'
import { listBranchEndpoints } from './store/endpoints.ts'

/** Runs work while no compute of these branches runs or can be woken; who wants one meanwhile waits. */
export async function whileStopped<T>(
  context: Context,
  branchIds: readonly string[],
  work: () => Promise<T>,
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
    work,
  )()
}

import type { Compute } from '../compute/compute.ts'
import { AppError } from '../lib/errors.ts'
import type { Context } from './context.ts'
import type { BranchRow } from './store/branches.ts'
import { listBranchEndpoints } from './store/endpoints.ts'

/** The compute that writes to a branch, where the branch has one. */
export async function findBranchCompute(
  context: Context,
  branchId: string,
): Promise<Compute | undefined> {
  const endpoints = await listBranchEndpoints(context.store, branchId)
  const writer = endpoints.find((endpoint) => endpoint.type === 'read_write')
  return writer && context.host.get(writer.id)
}

/** Starts those of a branch that are not disabled, one after another. */
export async function wakeBranchComputes(context: Context, branchId: string): Promise<void> {
  for (const endpoint of await listBranchEndpoints(context.store, branchId)) {
    if (!endpoint.disabled) await context.host.get(endpoint.id)?.wake()
  }
}

/** One that knows the roles of a branch: that which writes, or else a replica. */
export async function requireKnowingCompute(context: Context, branch: BranchRow): Promise<Compute> {
  const endpoints = await listBranchEndpoints(context.store, branch.id)
  const writer = endpoints.find((endpoint) => endpoint.type === 'read_write')
  const known = context.host.get((writer ?? endpoints[0])?.id ?? '')
  return known ?? requireBranchCompute(context, branch)
}

/** The one that writes, for work that cannot be done without: roles and databases live in the branch itself. */
export async function requireBranchCompute(context: Context, branch: BranchRow): Promise<Compute> {
  const compute = await findBranchCompute(context, branch.id)
  if (compute !== undefined) return compute
  throw new AppError(
    'not_available',
    `branch ${branch.name} has no compute; add one with \`neon branches add-compute ${branch.name} --type read_write\``,
  )
}

import type { Context } from '../context.ts'
import { removeLine } from '../history/line-snapshots.ts'
import { endReplay } from '../history/replay.ts'
import { removePacked } from '../packed-volume.ts'
import { removeCompute } from '../put-compute.ts'
import type { BranchRow } from '../store/branches.ts'
import { removeBranch } from '../store/branches.ts'
import { listBranchEndpoints } from '../store/endpoints.ts'

/** Takes the computes of a branch away; its data stays. Idempotent. */
export async function removeComputes(context: Context, branchId: string): Promise<void> {
  for (const endpoint of await listBranchEndpoints(context.store, branchId)) {
    await context.host.get(endpoint.id)?.suspend({ force: true })
    await removeCompute(context, endpoint.id)
  }
}

/** Removes a branch wholly: computes, data, rows. Idempotent, and in this order, so that a crash between leaves the row that leads back here. */
export async function purgeBranch(context: Context, branch: BranchRow): Promise<void> {
  await removeComputes(context, branch.id)
  await endReplay(context, branch.volume_id)
  await removeLine(context, branch.volume_id)
  await context.volumes.destroy(branch.volume_id)
  await removePacked(context, branch.volume_id)
  await removeBranch(context.store, branch.id)
}

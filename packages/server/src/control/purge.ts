import type { Context } from './context.ts'
import { purgeBranch } from './operations/branch-volume.ts'
import { findAnyBranch, listPurgeableBranches } from './store/branches.ts'
import { requireSpace, spaceReserveBytes } from './volumes.ts'

/**
 * Looks again under the branch's lock: it may have been recovered since it was listed. `listed`, where it
 * was, is when it had been deleted: one that was deleted anew since has a window of its own.
 */
export async function purgeIfDeleted(
  context: Context,
  branchId: string,
  listed?: Date | null,
): Promise<void> {
  await context.locks.run(branchId, async () => {
    const branch = await findAnyBranch(context.store, branchId)
    if (branch === undefined || branch.deleted_at === null) return
    if (listed && listed.getTime() !== branch.deleted_at.getTime()) return
    await purgeBranch(context, branch)
  })
}

/** Gives up deleted branches before the pool runs full. */
export async function purgeForSpace(context: Context): Promise<void> {
  for (const branch of await listPurgeableBranches(context.store, { evenIfRecoverable: true })) {
    const { totalBytes, freeBytes } = await context.volumes.space()
    if (freeBytes >= 2 * spaceReserveBytes(totalBytes)) return
    context.log.warn(
      { branch_id: branch.id, branch: branch.name, free_bytes: freeBytes },
      'the pool is short of space: purging a deleted branch before its window ends',
    )
    await purgeIfDeleted(context, branch.id, branch.deleted_at)
    await context.volumes.reclaim()
  }
}

/** For whatever is about to be made: refuses early, but only after giving up what was deleted. */
export async function makeSpace(context: Context): Promise<void> {
  const { totalBytes, freeBytes } = await context.volumes.space()
  if (freeBytes < spaceReserveBytes(totalBytes)) await purgeForSpace(context)
  await requireSpace(context.volumes)
}

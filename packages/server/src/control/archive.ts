import { AppError } from '../lib/errors.ts'
import type { Context } from './context.ts'
import { removeLine } from './history/line-snapshots.ts'
import { runOperation } from './operations/runner.ts'
import { isPacked, lastChange, packVolume } from './packed-volume.ts'
import {
  type ArchivedBranch,
  type BranchRow,
  findAnyBranch,
  listArchivedBranches,
  listChildNames,
  listColdBranches,
  setArchived,
} from './store/branches.ts'
import { listBranchEndpoints } from './store/endpoints.ts'
import { insertOperation } from './store/operations.ts'
import { whileStopped } from './while-stopped.ts'

/**
 * Branches that are put away. Their computes are suspended, and once their past has left the window of
 * history, what they hold of their own is compressed. Whoever connects brings one back, which takes as
 * long as it is large.
 */
export async function archiveBranch(context: Context, branch: BranchRow): Promise<void> {
  if (branch.archived_at !== null) return
  if (branch.is_default || branch.protected) {
    throw new AppError(
      branch.is_default ? 'branch_is_default' : 'branch_is_protected',
      `branch ${branch.name} is ${branch.is_default ? 'the default branch' : 'protected'} and cannot be archived`,
    )
  }
  const children = await listChildNames(context.store, branch.id)
  if (children.length > 0) {
    throw new AppError(
      'branch_has_children',
      `branch ${branch.name} has child branches (${children.slice(0, 5).join(', ')}); archive is for branches without`,
    )
  }
  await run(context, branch, 'timeline_archive')
}

export async function unarchiveBranch(context: Context, branch: BranchRow): Promise<void> {
  if (branch.archived_at !== null) await run(context, branch, 'timeline_unarchive')
}

async function run(
  context: Context,
  branch: BranchRow,
  action: 'timeline_archive' | 'timeline_unarchive',
): Promise<void> {
  const operation = await insertOperation(context.store, {
    project_id: branch.project_id,
    branch_id: branch.id,
    action,
  })
  await runOperation(context, operation)
}

/** Whether a branch's data is there, packed or not. */
export async function hasData(context: Context, { volume_id }: BranchRow): Promise<boolean> {
  return (await context.volumes.exists(volume_id)) || (await isPacked(context, volume_id))
}

/** Puts away what nobody uses. */
export async function archiveColdBranches(context: Context): Promise<void> {
  for (const branch of await listColdBranches(context.store)) {
    context.log.info({ branch_id: branch.id, branch: branch.name }, 'archiving an unused branch')
    await archiveBranch(context, branch)
  }
}

/** Packs what is put away and has no past left to go back to; one that is in use again is ready again. */
export async function packArchivedBranches(context: Context): Promise<void> {
  for (const branch of await listArchivedBranches(context.store)) {
    if (await isInUse(context, branch)) {
      await setArchived(context.store, branch.id, false)
      continue
    }
    if (!(await hasNoPast(context, branch))) continue
    await context.locks.run(branch.id, async () => pack(context, branch))
  }
}

/** Others may have taken hours since the branch was listed. */
async function pack(context: Context, branch: ArchivedBranch): Promise<void> {
  if (!(await isAsListed(context, branch)) || !(await hasNoPast(context, branch))) return
  if (await isInUse(context, branch)) return
  await removeLine(context, branch.volume_id)
  await packVolume(context, branch.volume_id, async (exchange) => {
    if (!(await isInUse(context, branch))) await whileStopped(context, [branch.id], exchange)
  })
}

/**
 * Nothing has been written within the window: every moment of it is what the branch is now. Whoever wakes
 * one may be gone before it is seen to be in use.
 */
async function hasNoPast(context: Context, branch: ArchivedBranch): Promise<boolean> {
  if (!(await context.volumes.exists(branch.volume_id))) return false
  const changedMs = Number((await lastChange(context, branch.volume_id)) / 1_000_000n)
  const sinceMs = Math.max(branch.archived_at?.getTime() ?? 0, changedMs)
  return Date.now() >= sinceMs + branch.history_retention_seconds * 1000
}

async function isAsListed(context: Context, branch: ArchivedBranch): Promise<boolean> {
  const now = await findAnyBranch(context.store, branch.id)
  return (
    now?.deleted_at === null &&
    now.volume_id === branch.volume_id &&
    now.archived_at?.getTime() === branch.archived_at?.getTime()
  )
}

async function isInUse(context: Context, branch: BranchRow): Promise<boolean> {
  const endpoints = await listBranchEndpoints(context.store, branch.id)
  return endpoints.some(({ id }) => (context.host.get(id)?.state ?? 'idle') !== 'idle')
}

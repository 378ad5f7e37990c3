import type { Context } from './context.ts'
import { findStaleExclusive, setExclusiveBytes } from './store/branches.ts'

/**
 * Reads what destroying a branch would free, one branch at a time and none more often than every six
 * hours: the file system has to look at every extent. Only btrfs can tell.
 */
export async function readNextExclusive(context: Context): Promise<void> {
  if (context.volumes.kind !== 'btrfs') return
  const branch = await findStaleExclusive(context.store)
  if (branch === undefined) return
  const { exclusiveBytes } = await context.volumes.usage(branch.volume_id)
  await setExclusiveBytes(context.store, branch.id, exclusiveBytes ?? null)
}

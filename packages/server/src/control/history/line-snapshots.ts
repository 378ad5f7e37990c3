import { rm } from 'node:fs/promises'

import { newLineSnapshotId, pastEndpointPrefix, scratchPrefix } from '../../lib/ids.ts'
import { cloneSource, cloneVolume } from '../clone-volume.ts'
import type { Context } from '../context.ts'
import { findBranchOfLine } from '../store/branches.ts'
import {
  insertLineSnapshot,
  listAbandonedLines,
  listAllLineSnapshotIds,
  listUnfinishedLineSnapshots,
  markLineSnapshotTaken,
  removeLineSnapshot,
} from '../store/line-snapshots.ts'
import { volumeDataDirectory } from '../volumes.ts'
import { removeScratch } from './scratch.ts'
import { readRestingEnd, type WalBounds } from './wal-bounds.ts'

/** Work on one line's history, one after another: what is being read is not trimmed meanwhile. */
export async function withLine<T>(
  context: Context,
  line: string,
  work: () => Promise<T>,
): Promise<T> {
  return context.locks.run(`history ${line}`, work)
}

/**
 * A snapshot of a line as it is now, whatever its compute does. Nothing to do for a line that is being
 * deleted: its history may have been removed already.
 */
export async function takeLineSnapshot(context: Context, line: string): Promise<void> {
  await withLine(context, line, async () => {
    const branch = await findBranchOfLine(context.store, line)
    if (branch === undefined || branch.ready_at === null || branch.deleted_at !== null) return
    await make(context, { line, isFirst: false }, async (id) => {
      const { bounds } = await cloneVolume(context, await cloneSource(context, branch), id)
      return bounds
    })
  })
}

/**
 * The first of a line: of a volume that was just made and that nothing has started on. Where a clone is
 * a copy this would double the cost of every branch, so there the first one comes with the first changes.
 */
export async function takeFirstSnapshot(
  context: Context,
  line: string,
  known?: WalBounds,
): Promise<void> {
  if (context.volumes.kind === 'copy') return
  await withLine(context, line, async () =>
    make(context, { line, isFirst: true }, async (id) => {
      await context.volumes.clone(line, id)
      if (known !== undefined) return known
      const end = await readRestingEnd(volumeDataDirectory(context.volumes, id))
      return { from: end, to: end }
    }),
  )
}

async function make(
  context: Context,
  of: { line: string; isFirst: boolean },
  clone: (id: string) => Promise<WalBounds>,
): Promise<void> {
  const id = newLineSnapshotId()
  await insertLineSnapshot(context.store, { id, ...of })
  try {
    const { from, to } = await clone(id)
    await markLineSnapshotTaken(context.store, id, { lsnFrom: from, lsnTo: to, at: new Date() })
  } catch (error) {
    await forgetSnapshot(context, id)
    throw error
  }
}

/** The volume first: a row without one is found and removed, a volume without row is not. */
export async function forgetSnapshot(context: Context, id: string): Promise<void> {
  await context.volumes.destroy(id)
  await removeLineSnapshot(context.store, id)
}

/** Removes all of a line's history, whose volume is about to go. Idempotent. */
export async function removeLine(context: Context, line: string): Promise<void> {
  await withLine(context, line, async () => {
    for (const id of await listAllLineSnapshotIds(context.store, line)) {
      await forgetSnapshot(context, id)
    }
    await context.history.archiver.forget(line)
    await context.history.wal.removeLine(line)
  })
}

/** After a crash, before anything is made: what was left half-made, and history of lines that are gone. */
export async function sweepHistory(context: Context): Promise<void> {
  for (const { spec } of context.host.list()) {
    if (spec.endpointId.startsWith(pastEndpointPrefix)) await context.host.remove(spec.endpointId)
  }
  for (const id of await context.volumes.list()) {
    if (id.startsWith(scratchPrefix)) await removeScratch(context, id)
  }
  for (const id of await listUnfinishedLineSnapshots(context.store)) {
    await forgetSnapshot(context, id)
  }
  for (const line of await listAbandonedLines(context.store)) await removeLine(context, line)
  await context.history.wal.sweep()
  await rm(context.history.replayDirectory, { recursive: true, force: true })
}

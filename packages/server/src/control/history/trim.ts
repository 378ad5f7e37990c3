import { planTrim, snapshotEveryBytes, snapshotEveryMs } from '../../history/retention.ts'
import { parseSegmentName, segmentOf } from '../../history/wal-names.ts'
import { describeError } from '../../lib/errors.ts'
import type { Lsn } from '../../lib/lsn.ts'
import type { Context } from '../context.ts'
import { type BranchRow, findBranchOfLine, listHistoryBranches } from '../store/branches.ts'
import { listLineSnapshots, listNewestLineSnapshots } from '../store/line-snapshots.ts'
import { forgetSnapshot, takeLineSnapshot, withLine } from './line-snapshots.ts'

/** A copy of the whole cluster is worth it less often than a clone. */
const copyEveryFactor = 16n

/** Takes snapshots of the lines that have been written to enough since their last. */
export async function takeDueSnapshots(context: Context): Promise<void> {
  const newest = new Map(
    (await listNewestLineSnapshots(context.store)).map((row) => [row.line, row]),
  )
  const every =
    context.volumes.kind === 'copy' ? snapshotEveryBytes * copyEveryFactor : snapshotEveryBytes
  for (const compute of context.host.list()) {
    const line = compute.spec.historyLine
    const position = line === '' ? undefined : context.history.archiver.position(line)
    if (position === undefined) continue
    const last = newest.get(line)
    const hasGap = context.history.archiver.takeGap(line)
    const written = last === undefined ? every : position - last.lsn_to
    const ageMs = last === undefined ? 0 : Date.now() - last.taken_at.getTime()
    if (!hasGap && written < every && !(written > 0n && ageMs >= snapshotEveryMs)) continue
    const branch = await findBranchOfLine(context.store, line)
    if (branch === undefined || branch.ready_at === null || branch.deleted_at !== null) continue
    await takeLineSnapshot(context, branch).catch((error: unknown) => {
      context.log.error(
        { branch_id: branch.id, error: describeError(error) },
        'a snapshot for history could not be taken',
      )
    })
  }
}

/** Removes what no moment of the window needs any more. */
export async function trimHistory(context: Context): Promise<void> {
  for (const branch of await listHistoryBranches(context.store)) {
    await withLine(context, branch.volume_id, async () => trimLine(context, branch))
  }
}

async function trimLine(
  context: Context,
  branch: BranchRow & { history_retention_seconds: number },
): Promise<void> {
  const now = new Date()
  const snapshots = await listLineSnapshots(context.store, branch.volume_id)
  const { remove, walFrom } = planTrim({
    snapshots: snapshots.map((row) => ({ id: row.id, takenAt: row.taken_at, lsn: row.lsn_from })),
    now,
    windowStart: new Date(now.getTime() - branch.history_retention_seconds * 1000),
  })
  for (const id of remove) await forgetSnapshot(context, id)
  if (snapshots.length > 0) await trimWal(context, branch.volume_id, walFrom)
}

/** History files say where timelines parted, and stay. */
async function trimWal(context: Context, line: string, from: Lsn | undefined): Promise<void> {
  const spare = (await context.history.wal.list(line)).filter(({ name, bytes }) => {
    const segment = parseSegmentName(name, bytes)
    return segment !== undefined && (from === undefined || segment.number < segmentOf(from, bytes))
  })
  if (spare.length === 0) return
  await context.history.wal.remove(
    line,
    spare.map(({ name }) => name),
  )
}

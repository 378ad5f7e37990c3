import {
  planTrim,
  snapshotEveryBytes,
  snapshotEveryMs,
  type Thinning,
  thinning,
} from '../../history/retention.ts'
import { parseSegmentName, segmentOf } from '../../history/wal-names.ts'
import { describeError } from '../../lib/errors.ts'
import type { Lsn } from '../../lib/lsn.ts'
import type { Context } from '../context.ts'
import { type BranchRow, listHistoryBranches } from '../store/branches.ts'
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
    const hasGap = isAfter(context.history.archiver.keptFrom(line), last?.lsn_to)
    const written = last === undefined ? every : position - last.lsn_to
    const isOld = last !== undefined && isLongAgo(last.taken_at)
    if (!hasGap && written < every && !(written > 0n && isOld)) continue
    await takeLineSnapshot(context, line).catch((error: unknown) => {
      context.log.error(
        { line, error: describeError(error) },
        'a snapshot for history could not be taken',
      )
    })
  }
}

/** Or still to come, of a clock that was set back: its times come again, and are found from one of now. */
function isLongAgo(time: Date): boolean {
  const ageMs = Date.now() - time.getTime()
  return ageMs < 0 || ageMs >= snapshotEveryMs
}

const isAfter = (lsn: Lsn | undefined, other: Lsn | undefined): boolean =>
  lsn !== undefined && other !== undefined && lsn > other

/** Removes what no moment of the window needs any more. */
export async function trimHistory(context: Context, by: Thinning = thinning): Promise<void> {
  for (const branch of await listHistoryBranches(context.store)) {
    await withLine(context, branch.volume_id, async () => trimLine(context, branch, by))
  }
}

async function trimLine(
  context: Context,
  branch: BranchRow & { history_retention_seconds: number },
  by: Thinning,
): Promise<void> {
  const now = new Date()
  const snapshots = await listLineSnapshots(context.store, branch.volume_id)
  const { remove, walFrom } = planTrim({
    snapshots: snapshots.map((row) => ({ id: row.id, takenAt: row.taken_at, lsn: row.lsn_from })),
    now,
    windowStart: new Date(now.getTime() - branch.history_retention_seconds * 1000),
    thinning: by,
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

import type { Lsn } from '../lib/lsn.ts'

/**
 * What of a line's history may go.
 *
 * A moment is reached from the newest snapshot that is not later, by replaying WAL from there. So of
 * the snapshots before the window the newest stays, with all WAL from it on; within the window snapshots
 * are thinned as they age, so long as what would have to be replayed stays within bounds. The newest
 * stays in any case: it is where the next is measured from.
 *
 * Others may be reached through a line than its own branch: a branch whose line began as a clone of it
 * reaches back through it to moments before that. Its window is the same, of the same project, so what
 * is kept for the line itself is enough. Snapshots that users made are volumes of their own.
 */
export interface KeptSnapshot {
  id: string
  takenAt: Date
  /** What it holds ends here or later; WAL from here on continues it. */
  lsn: Lsn
}

export interface Trim {
  /** Snapshots that nothing in the window needs. */
  remove: string[]
  /** WAL before the segment of this position is not needed; undefined where none is. */
  walFrom: Lsn | undefined
}

const mebibyte = 1024n ** 2n
const hourMs = 3_600_000

/** The most WAL between two snapshots, by their age; youngest first. */
export type Thinning = ReadonlyArray<{ upToMs: number; bytes: bigint }>

/**
 * As it is done. Replay runs at some 30 to 70 MB a second on a busy
 * machine: some seconds for the last hour, and longer for what is asked for rarely.
 */
export const thinning: Thinning = [
  { upToMs: hourMs, bytes: 128n * mebibyte },
  { upToMs: 24 * hourMs, bytes: 512n * mebibyte },
  { upToMs: Number.POSITIVE_INFINITY, bytes: 2048n * mebibyte },
]

/** As much WAL as this since the last snapshot asks for another. */
export const snapshotEveryBytes = 128n * mebibyte

/** Where less is written, this long after the last one. */
export const snapshotEveryMs = hourMs

/** `snapshots` in the order of their positions: that of their times may be another, of a clock that was set. */
export function planTrim(request: {
  snapshots: readonly KeptSnapshot[]
  now: Date
  windowStart: Date
  thinning?: Thinning
}): Trim {
  const { snapshots, now, windowStart, thinning: gaps = thinning } = request
  if (windowStart >= now) return { remove: snapshots.map(({ id }) => id), walFrom: undefined }
  const first = Math.max(
    snapshots.findLastIndex(({ takenAt }) => takenAt <= windowStart),
    0,
  )
  const kept: KeptSnapshot[] = []
  for (const [index, snapshot] of snapshots.entries()) {
    if (index < first) continue
    const before = kept.at(-1)
    const after = snapshots[index + 1]
    const isSpare =
      before !== undefined &&
      after !== undefined &&
      after.lsn - before.lsn <= gapFor(gaps, now.getTime() - snapshot.takenAt.getTime())
    if (!isSpare) kept.push(snapshot)
  }
  const ids = new Set(kept.map(({ id }) => id))
  return {
    remove: snapshots.filter(({ id }) => !ids.has(id)).map(({ id }) => id),
    walFrom: lowest(kept),
  }
}

function lowest(kept: readonly KeptSnapshot[]): Lsn | undefined {
  const [first, ...others] = kept.map(({ lsn }) => lsn)
  return others.reduce((one, other) => (one !== undefined && one < other ? one : other), first)
}

function gapFor(gaps: Thinning, ageMs: number): bigint {
  return gaps.find(({ upToMs }) => ageMs < upToMs)?.bytes ?? 0n
}

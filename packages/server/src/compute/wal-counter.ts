import type { Sql } from 'postgres'

/**
 * How much WAL a cluster has written, as its statistics have it (`pg_stat_wal`). They survive a shutdown,
 * go back to zero with a crash, and are the parent's in a clone of a cluster that was shut down. The
 * position in the WAL would not do: it also moves on where a segment is given up half full for the
 * archive, and where a clone replays what its parent has written.
 */
export interface WalCounter {
  bytes: number
  /** When the counter was last zero, as PostgreSQL writes it; only compared. */
  resetAt: string
  /** Whether that was since this postmaster started, so that all of it is this cluster's own. */
  isOwn: boolean
}

export async function readWalCounter(sql: Sql): Promise<WalCounter> {
  const [row] = await sql<{ bytes: string; reset_at: string; is_own: boolean }[]>`
    select wal_bytes::text as bytes, stats_reset::text as reset_at,
      stats_reset >= pg_postmaster_start_time() as is_own
    from pg_stat_wal`
  if (row === undefined) throw new Error('pg_stat_wal is empty')
  return { bytes: Number(row.bytes), resetAt: row.reset_at, isOwn: row.is_own }
}

/** Bytes written since an earlier reading. Without one, what a clone has brought along is not counted. */
export function writtenSince(before: WalCounter | undefined, now: WalCounter): number {
  if (before?.resetAt === now.resetAt) return Math.max(0, now.bytes - before.bytes)
  return now.isOwn ? now.bytes : 0
}

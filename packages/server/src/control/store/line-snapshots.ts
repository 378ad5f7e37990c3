import { type Lsn } from '../../lib/lsn.ts'
import type { Queryable } from './store.ts'

/** A clone of a line's volume that recoveries begin with. */
export interface LineSnapshotRow {
  id: string
  line: string
  lsn_from: Lsn
  lsn_to: Lsn
  /** Whether it was taken before anything could be written to the line. */
  is_first: boolean
  created_at: Date
  taken_at: Date
}

interface StoredRow extends Omit<LineSnapshotRow, 'lsn_from' | 'lsn_to'> {
  lsn_from: string
  lsn_to: string
}

const fromStored = (row: StoredRow): LineSnapshotRow => ({
  ...row,
  lsn_from: BigInt(row.lsn_from),
  lsn_to: BigInt(row.lsn_to),
})

/** Before its volume is made, so that one that was left half-made has a row that leads to it. */
export async function insertLineSnapshot(
  sql: Queryable,
  snapshot: { id: string; line: string; isFirst: boolean },
): Promise<void> {
  await sql`
    insert into line_snapshots (id, line, is_first, lsn_from, lsn_to)
    values (${snapshot.id}, ${snapshot.line}, ${snapshot.isFirst}, 0, 0)`
}

export async function markLineSnapshotTaken(
  sql: Queryable,
  id: string,
  taken: { lsnFrom: Lsn; lsnTo: Lsn; at: Date },
): Promise<void> {
  await sql`
    update line_snapshots set
      lsn_from = ${taken.lsnFrom.toString()}, lsn_to = ${taken.lsnTo.toString()}, taken_at = ${taken.at}
    where id = ${id}`
}

/** Those that are whole, in the order of their positions, which a clock that was set back leaves as it is. */
export async function listLineSnapshots(sql: Queryable, line: string): Promise<LineSnapshotRow[]> {
  const rows = await sql<StoredRow[]>`
    select * from line_snapshots where line = ${line} and taken_at is not null
    order by lsn_from, lsn_to, taken_at`
  return rows.map(fromStored)
}

export async function hasLineSnapshot(sql: Queryable, id: string): Promise<boolean> {
  const rows = await sql`select from line_snapshots where id = ${id}`
  return rows.length > 0
}

/** The whole one of each line that holds most. */
export async function listNewestLineSnapshots(sql: Queryable): Promise<LineSnapshotRow[]> {
  const rows = await sql<StoredRow[]>`
    select distinct on (line) * from line_snapshots where taken_at is not null
    order by line, lsn_from desc, lsn_to desc, taken_at desc`
  return rows.map(fromStored)
}

/** Those that a crash has left half-made. Only while none is being made. */
export async function listUnfinishedLineSnapshots(sql: Queryable): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`select id from line_snapshots where taken_at is null`
  return rows.map((row) => row.id)
}

/** Every snapshot of a line, whole or not. */
export async function listAllLineSnapshotIds(sql: Queryable, line: string): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`select id from line_snapshots where line = ${line}`
  return rows.map((row) => row.id)
}

export async function removeLineSnapshot(sql: Queryable, id: string): Promise<void> {
  await sql`delete from line_snapshots where id = ${id}`
}

/** Lines that have snapshots and that no branch has any more. */
export async function listAbandonedLines(sql: Queryable): Promise<string[]> {
  const rows = await sql<{ line: string }[]>`
    select distinct line from line_snapshots s
    where not exists (select from branches b where b.volume_id = s.line)`
  return rows.map((row) => row.line)
}

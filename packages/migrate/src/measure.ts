import type { LockReport, SizedRelation, StatementReport } from '@coppice/api'

import type { LockSampler, Sighting } from './lock-sampler.ts'
import { heldUpBy, strengthOf } from './locks.ts'
import { type Reading, type Relation, sizesOf, takeReading } from './reading.ts'
import type { Session } from './session.ts'
import { firstLineOf } from './statement-error.ts'
import type { Statement } from './statements.ts'

/** A statement that has run, with the locks whose end is not known yet. */
export interface Measured {
  report: StatementReport
  startedMs: number
  endedMs: number
  /** Closes the account of its locks: they have been held until `endMs`. */
  settle: (endMs: number) => void
}

/** Tables, partitioned ones and materialized views: what queries wait for. */
const tableKinds = ['r', 'p', 'm']

/**
 * Runs one statement and compares what the session sees before and after. `original` is from before the
 * file: what the file has made nobody waits for.
 */
export async function measure(
  session: Session,
  sampler: LockSampler,
  original: Reading,
  statement: Statement,
): Promise<Measured> {
  const before = await takeReading(session)
  sampler.take()
  const startedMs = performance.now()
  const { command, rows } = await session.run(statement.text)
  const endedMs = performance.now()
  const after = await takeReading(session)
  const locks = locksOf(before, after, sampler.take(), original, startedMs, endedMs)
  const changed = changedRelations(before, after, original)
  const sizes = await sizesOf(
    session,
    changed.map(({ oid }) => oid),
  )
  const sized = (relations: Relation[]): SizedRelation[] =>
    relations.map(({ oid, name }) => ({ relation: name, bytes: sizes.get(oid) ?? 0 }))
  const report: StatementReport = {
    line: statement.line,
    sql: firstLineOf(statement),
    command,
    duration_ms: rounded(endedMs - startedMs),
    rows: rows ?? null,
    wal_bytes: Math.max(0, after.walBytes - before.walBytes),
    disk_bytes: Math.max(0, after.databaseBytes - before.databaseBytes),
    locks: [],
    rewritten: sized(changed.filter(({ kind }) => tableKinds.includes(kind))),
    indexes_built: sized(changed.filter(({ kind }) => !tableKinds.includes(kind))),
    scanned: scannedTables(before, after, original),
  }
  return {
    report,
    startedMs,
    endedMs,
    settle(endMs) {
      report.locks = locks.map((lock) => reportOf(lock, endMs))
    },
  }
}

interface Lock {
  name: string
  mode: string
  fromMs: number
  /** Undefined: until the end of the transaction. */
  untilMs: number | undefined
}

function reportOf({ name, mode, fromMs, untilMs }: Lock, endMs: number): LockReport {
  const heldMs = rounded((untilMs ?? endMs) - fromMs)
  return { relation: name, mode, held_ms: heldMs, holds_up: heldUpBy(mode) }
}

/** Those that the statement has added, the strongest of each table. */
function locksOf(
  before: Reading,
  after: Reading,
  sightings: readonly Sighting[],
  original: Reading,
  startedMs: number,
  endedMs: number,
): Lock[] {
  const had = new Set(before.locks.map(keyOf))
  const kept = new Set(after.locks.map(keyOf))
  const strongest = new Map<string, Lock>()
  for (const { oid, mode } of [...after.locks, ...sightings]) {
    const table = original.relations.get(oid)
    const key = keyOf({ oid, mode })
    if (!table || !tableKinds.includes(table.kind) || had.has(key)) continue
    const known = strongest.get(oid)
    if (known && strengthOf(known.mode) >= strengthOf(mode)) continue
    const sighting = sightings.find((seen) => keyOf(seen) === key)
    strongest.set(oid, {
      name: table.name,
      mode,
      // What was never seen came between two looks, and is reckoned from the beginning.
      fromMs: Math.max(startedMs, sighting?.firstMs ?? startedMs),
      untilMs: kept.has(key) ? undefined : Math.min(endedMs, sighting?.lastMs ?? endedMs),
    })
  }
  return [...strongest.values()]
}

function keyOf({ oid, mode }: { oid: string; mode: string }): string {
  return `${oid} ${mode}`
}

/** Tables with another file than before, and indexes with another or new on tables that were there. */
function changedRelations(before: Reading, after: Reading, original: Reading): Relation[] {
  return [...after.relations.values()].filter((relation) => {
    const known = before.relations.get(relation.oid)
    if (relation.filenode === null || known?.filenode === relation.filenode) return false
    const table = relation.table ?? relation.oid
    return original.relations.has(table) && (known !== undefined || relation.table !== null)
  })
}

function scannedTables(before: Reading, after: Reading, original: Reading): string[] {
  return [...after.activity].flatMap(([oid, { scans }]) => {
    const table = original.relations.get(oid)
    return table && scans > (before.activity.get(oid)?.scans ?? 0) ? [table.name] : []
  })
}

/** A tenth of a millisecond is as exact as it gets. */
export function rounded(ms: number): number {
  return Math.round(ms * 10) / 10
}

import type { LockReport, Rehearsal, StatementReport } from '@coppice/api'

import { formatBytes, formatMilliseconds } from '../ui/format.ts'

export type FactKind = 'lock' | 'rewrite' | 'index' | 'scan' | 'volume'

/** One thing that a statement does, in words. */
export interface Fact {
  kind: FactKind
  text: string
  /** Others notice it. */
  isHeavy: boolean
}

/** WAL and growth below this are the catalogue's. */
const worthTellingBytes = 1024 * 1024

/** Whether an application that reads and writes can notice the lock. */
const isNoticed = ({ holds_up }: LockReport): boolean => /\b(?:reads|writes)\b/.test(holds_up)

/** What there is to say of a statement but its time. */
export function factsOf(statement: StatementReport): Fact[] {
  const { locks, rewritten, indexes_built: built, scanned, rows } = statement
  const { wal_bytes: wal, disk_bytes: disk } = statement
  const sized = ({ relation, bytes }: { relation: string; bytes: number }): string =>
    `${relation} (${formatBytes(bytes)})`
  const read = scanned.filter((table) => !rewritten.some(({ relation }) => relation === table))
  const volume = [
    ...(rows === null ? [] : [`${rows} rows`]),
    ...(wal >= worthTellingBytes ? [`${formatBytes(wal)} of WAL`] : []),
    ...(disk >= worthTellingBytes ? [`${formatBytes(disk)} more on disk`] : []),
  ]
  const fact = (kind: FactKind, text: string, isHeavy = false): Fact => ({ kind, text, isHeavy })
  return [
    ...locks
      .filter(isNoticed)
      .map(({ mode, relation, held_ms, holds_up }) =>
        fact(
          'lock',
          `${mode} on ${relation} for ${formatMilliseconds(held_ms)}: holds up ${holds_up}`,
          true,
        ),
      ),
    ...rewritten.map((one) => fact('rewrite', `Writes ${sized(one)} anew`, true)),
    ...built.map((one) => fact('index', `Builds ${sized(one)}`)),
    ...(read.length > 0 ? [fact('scan', `Reads from end to end: ${read.join(', ')}`)] : []),
    ...(volume.length > 0 ? [fact('volume', volume.join(', '))] : []),
  ]
}

/** Of all files together. */
export function totalsOf({ files }: Rehearsal) {
  const statements = files.flatMap((file) => file.statements)
  const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)
  const blocking = statements.flatMap(({ locks }) => locks).filter(isNoticed)
  return {
    statements: statements.length,
    durationMs: sum(files.map(({ duration_ms }) => duration_ms)),
    walBytes: sum(statements.map(({ wal_bytes }) => wal_bytes)),
    diskBytes: sum(statements.map(({ disk_bytes }) => disk_bytes)),
    /** The longest that one lock held others up. */
    blockingMs: Math.max(0, ...blocking.map(({ held_ms }) => held_ms)),
  }
}

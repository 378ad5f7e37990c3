import type {
  LoadFigures,
  PlanChange,
  Rehearsal,
  SizedRelation,
  StatementReport,
} from '@coppice/api'
import { holdsUpWork } from '@coppice/migrate/locks'

import { formatBytes } from '../format.ts'

/** WAL and growth below this are the catalogue's. */
const worthTellingBytes = 1024 * 1024

/** `0.8 ms`, `340 ms`, `12.3 s`. */
export function formatMillis(ms: number): string {
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`
  return ms >= 10 ? `${Math.round(ms)} ms` : `${ms} ms`
}

/** What there is to say of a statement but its time: a line each. */
export function factsOf(statement: StatementReport): string[] {
  const {
    rows,
    wal_bytes: wal,
    disk_bytes: disk,
    rewritten,
    indexes_built: built,
    scanned,
  } = statement
  const volume = [
    ...(rows === null ? [] : [`${rows} rows`]),
    ...(wal >= worthTellingBytes ? [`${formatBytes(wal)} of WAL`] : []),
    ...(disk >= worthTellingBytes ? [`${formatBytes(disk)} more on disk`] : []),
  ]
  const read = scanned.filter((table) => !rewritten.some(({ relation }) => relation === table))
  return [
    ...(volume.length > 0 ? [volume.join(', ')] : []),
    ...statement.locks
      .filter(({ mode }) => holdsUpWork(mode))
      .map(
        (lock) =>
          `${lock.mode} on ${lock.relation} for ${formatMillis(lock.held_ms)}: holds up ${lock.holds_up}`,
      ),
    ...(rewritten.length > 0 ? [`writes anew: ${sized(rewritten)}`] : []),
    ...(built.length > 0 ? [`builds: ${sized(built)}`] : []),
    ...(read.length > 0 ? [`reads from end to end: ${read.join(', ')}`] : []),
  ]
}

function sized(relations: readonly SizedRelation[]): string {
  return relations.map(({ relation, bytes }) => `${relation} (${formatBytes(bytes)})`).join(', ')
}

/** What a query does after the migration, beside what it did before. */
export function describePlan({ before, after, error, ...change }: PlanChange): string {
  if (after === null) return `fails: ${error}`
  return `${before}, cost ${change.cost_before} → ${after}, cost ${change.cost_after}`
}

/** `1200 statements, half within 0.8 ms, 99 % within 4 ms, the longest 1.31 s`. */
export function describeFigures(figures: LoadFigures): string {
  const { statements, failed, p50_ms: p50, p99_ms: p99, max_ms: max } = figures
  return (
    `${statements} statements, half within ${formatMillis(p50)}, 99 % within ${formatMillis(p99)}, ` +
    `the longest ${formatMillis(max)}${failed > 0 ? `, ${failed} failed` : ''}`
  )
}

/** The one sentence about the whole. */
export function summaryOf({
  files,
  source,
  branch,
  kept,
  plans_compared: compared,
  plans,
}: Rehearsal): string {
  const count = files.reduce((sum, { statements }) => sum + statements.length, 0)
  const totalMs = files.reduce((sum, file) => sum + file.duration_ms, 0)
  if (files.length === 0) return `Nothing is pending on ${source}.`
  const where = kept ? `Branch ${branch} is kept.` : ''
  return [
    `${counted(count, 'statement')} of ${counted(files.length, 'file')} ran in ${formatMillis(totalMs)} on a branch of ${source}.`,
    compared > 0 ? `Of ${compared} recorded queries ${plans.length} changed.` : '',
    where,
  ]
    .filter((sentence) => sentence !== '')
    .join(' ')
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

import { setTimeout as delay } from 'node:timers/promises'

import type { Sql } from '@coppice/migrate/database'

import { CliError } from '../errors.ts'
import { backOff, isLockFailure, lockTriesMax } from '../lock-retries.ts'
import { openSql } from '../sql-connection.ts'
import { batchStatement, type Change } from './batch-statement.ts'
import { createPace, type Pace } from './pace.ts'
import { finishProgress, type Progress, saveProgress } from './progress-table.ts'
import type { Position, Ranges } from './ranges.ts'
import { waitForOthers, watchBlocked } from './watch.ts'

export interface Limits {
  /** Rows of one batch at most. */
  batch: number
  /** Between two batches. */
  pauseMs: number
  maxLagBytes: number
}

/** What a run did; a resumed one counts from its beginning, what it waited for is this run's. */
export interface Totals {
  rowsChanged: number
  rowsVisited: number
  batches: number
  retries: number
  waits: number
  waitMs: number
  elapsedMs: number
  walBytes: number
}

export interface Watcher {
  onBatch(totals: Totals, batchRows: number): void
  onWait(reason: string): void
}

interface Run {
  sql: Sql
  /** Another session, for what the first one cannot see of itself. */
  side: Sql
  change: Change
  ranges: Ranges
  limits: Limits
  watcher: Watcher
}

/** What a batch should take: short beside what a person notices, long beside a commit. */
const targetMs = 200
/** Goes through the table from where `progress` stands to its end. */
export async function runBackfill(run: Run, progress: Progress): Promise<Totals> {
  const start = performance.now()
  const totals: Totals = {
    rowsChanged: progress.rowsChanged,
    rowsVisited: progress.rowsVisited,
    batches: progress.batches,
    retries: 0,
    waits: 0,
    waitMs: 0,
    elapsedMs: 0,
    walBytes: 0,
  }
  const pace = createPace({ maxRows: run.limits.batch, targetMs })
  const pid = await pidOf(run.sql)
  let { at } = progress
  for (;;) {
    await waitItsTurn(run, totals)
    const next = await oneRange({ run, pace, pid, totals, checksum: progress.checksum }, at)
    if (next === undefined) break
    at = next
    totals.elapsedMs = performance.now() - start
    run.watcher.onBatch(totals, pace.rows)
    if (run.limits.pauseMs > 0) await delay(run.limits.pauseMs)
  }
  await finishProgress(run.sql, progress.checksum)
  totals.elapsedMs = performance.now() - start
  return totals
}

async function waitItsTurn({ side, change, limits, watcher }: Run, totals: Totals): Promise<void> {
  let waited = false
  const elapsed = await waitForOthers(side, change.relation, {
    maxLagBytes: limits.maxLagBytes,
    onWait(reason) {
      waited = true
      watcher.onWait(reason)
    },
  })
  if (!waited) return
  totals.waits += 1
  totals.waitMs += elapsed
}

interface Step {
  run: Run
  pace: Pace
  pid: string
  totals: Totals
  checksum: string
}

/** One batch, tried again with fewer rows where locks of others are in its way. */
async function oneRange(step: Step, after: Position | undefined): Promise<Position | undefined> {
  const { run, pace, totals } = step
  for (let tries = 1; ; tries++) {
    const range = await run.ranges.next(after, pace.rows)
    if (range === undefined) return undefined
    try {
      await oneBatch(step, after, range)
      return range.to
    } catch (error) {
      if (!isLockFailure(error)) throw error
      if (tries >= lockTriesMax) throw gaveUp(error)
      totals.retries += 1
      pace.shrink()
      await backOff(tries)
    }
  }
}

async function oneBatch(
  { run, pace, pid, totals, checksum }: Step,
  after: Position | undefined,
  range: { to: Position; rows: number },
): Promise<void> {
  const { sql, side, change, ranges } = run
  const condition = ranges.condition(after, range.to)
  const begin = await walPosition(side)
  const start = performance.now()
  const { result: changed, blocked } = await watchBlocked(side, pid, async () =>
    sql.begin(async (tx) => {
      const [row] = await tx.unsafe<Array<{ changed: string; again: string }>>(
        batchStatement(change, condition),
        condition.parameters,
      )
      if (ranges.meetsRowsAgain && Number(row?.again) > 0) throw notIdempotent(change)
      await saveProgress(tx, {
        checksum,
        at: range.to,
        rowsVisited: totals.rowsVisited + range.rows,
        rowsChanged: totals.rowsChanged + Number(row?.changed),
        batches: totals.batches + 1,
      })
      return Number(row?.changed)
    }),
  )
  pace.record(performance.now() - start, blocked)
  totals.rowsVisited += range.rows
  totals.rowsChanged += changed
  totals.batches += 1
  totals.walBytes += (await walPosition(side)) - begin
}

/** Rows that match after they were set would be set once for each place that they get to. */
function notIdempotent({ relation, where }: Change): CliError {
  return new CliError(
    `${relation.name} has no unique key, so changed rows may come by again, and --where still holds ` +
      'for rows that have been set.',
    {
      advice:
        (where === 'true' ? 'Give a --where' : 'Let --where hold only') +
        ' for rows that are still to be set (status IS NULL), or add a primary key.',
    },
  )
}

function gaveUp(error: Error): CliError {
  return new CliError(`A batch failed ${lockTriesMax} times: ${error.message}`, {
    advice:
      'What came before it is kept. `coppice inspect db locks` shows who holds the rows; the same\n' +
      'command goes on from here, with a longer --lock-timeout if need be.',
    cause: error,
  })
}

async function pidOf(sql: Sql): Promise<string> {
  const [row] = await sql<Array<{ pid: string }>>`select pg_backend_pid()::text as pid`
  return row?.pid ?? ''
}

/** Of the whole server, in bytes. */
async function walPosition(sql: Sql): Promise<number> {
  const [row] = await sql<Array<{ bytes: string }>>`
    select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::text as bytes`
  return Number(row?.bytes)
}

/** Texts of keys are the same in every session that reads them back. */
export async function openBackfillSql<T>(
  uri: string,
  lockTimeoutMs: number,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  return openSql(uri, work, {
    application_name: 'coppice backfill',
    default_transaction_read_only: false,
    standard_conforming_strings: true,
    lock_timeout: lockTimeoutMs,
    DateStyle: 'ISO, MDY',
    bytea_output: 'hex',
    extra_float_digits: 1,
  })
}

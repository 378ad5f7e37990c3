import type { Sql } from '@coppice/migrate/database'

import { CliError } from '../errors.ts'
import { findRelation } from '../relation.ts'
import {
  anyRange,
  type Change,
  estimateRows,
  explainBatch,
  updateStatement,
} from './batch-statement.ts'
import { checkFragment } from './fragment.ts'
import { chooseKey, findKeys } from './key.ts'
import { beginProgress, checksumOf, createProgressTable, lockBackfill } from './progress-table.ts'
import { type Ranges, rangesByBlock, rangesByKey } from './ranges.ts'
import {
  type Limits,
  openBackfillSql,
  runBackfill,
  type Totals,
  type Watcher,
} from './run-backfill.ts'

export interface BackfillRequest {
  uri: string
  table: string
  set: string
  /** Every row unless given. */
  where: string | undefined
  key: string | undefined
  lockTimeoutMs: number
  limits: Limits
}

/** What a backfill would do. */
export interface Plan {
  table: string
  /** Columns, or `ctid`. */
  key: string
  estimated_rows: number
  estimated_matches: number
  statement: string
}

/** What it did. */
export interface Summary {
  table: string
  key: string
  rows_updated: number
  rows_visited: number
  batches: number
  retries: number
  waits: number
  wait_ms: number
  elapsed_ms: number
  /** Of the whole server, while batches ran. */
  wal_bytes: number
  /** Whether an earlier run had begun it; counts of rows and batches include that one's. */
  resumed: boolean
  /** Rows that match `where` now; null where every row is meant. */
  remaining_rows: number | null
}

export interface Hooks {
  /** Asked before the first change; rejects to stop. */
  confirm(plan: Plan): Promise<void>
  watch(plan: Plan): Watcher
}

interface Prepared {
  change: Change
  ranges: Ranges
  plan: Plan
}

/** Says what would be done, having let PostgreSQL read it. */
export async function planBackfill(request: BackfillRequest): Promise<Plan> {
  return openBackfillSql(request.uri, request.lockTimeoutMs, async (sql) => {
    await sql`set default_transaction_read_only = on`
    return (await prepare(sql, request)).plan
  })
}

/** Changes the rows in batches, going on from where an interrupted run of the same stands. */
export async function backfill(request: BackfillRequest, hooks: Hooks): Promise<Summary> {
  const { uri, lockTimeoutMs, limits } = request
  return openBackfillSql(uri, lockTimeoutMs, async (sql) => {
    const { change, ranges, plan } = await prepare(sql, request)
    await hooks.confirm(plan)
    await createProgressTable(sql)
    const checksum = checksumOf(change, ranges)
    await lockBackfill(sql, checksum)
    const begun = await beginProgress(sql, change, ranges, { checksum, statement: plan.statement })
    const watcher = hooks.watch(plan)
    const totals = await openBackfillSql(uri, lockTimeoutMs, async (side) =>
      runBackfill({ sql, side, change, ranges, limits, watcher }, begun),
    )
    const remaining = request.where === undefined ? null : await countMatching(sql, change)
    return summarize(plan, totals, { resumed: begun.at !== undefined, remaining })
  })
}

async function prepare(sql: Sql, request: BackfillRequest): Promise<Prepared> {
  const { table, set, where, key: asked } = request
  checkFragment({ option: '--set', text: set })
  if (where !== undefined) checkFragment({ option: '--where', text: where })
  await refuseStandby(sql)
  const relation = await findRelation(sql, table)
  const change = { relation, set, where: where ?? 'true' }
  const key = chooseKey(relation, await findKeys(sql, relation), asked)
  const { inTable } = await estimateRows(sql, { ...change, where: 'true' })
  const ranges =
    key === undefined
      ? await rangesByBlock(sql, relation, inTable)
      : rangesByKey(sql, relation, key)
  await explainBatch(sql, change, ranges)
  const { matching } = await estimateRows(sql, change)
  const plan = {
    table: relation.name,
    key: ranges.columns.join(', '),
    estimated_rows: inTable,
    estimated_matches: matching,
    statement: updateStatement(change, anyRange(ranges).sql),
  }
  return { change, ranges, plan }
}

async function refuseStandby(sql: Sql): Promise<void> {
  const [row] = await sql`select pg_is_in_recovery() as standby`
  if (row?.['standby'] !== 't') return
  throw new CliError('This compute is a read replica.', {
    advice: 'Name a branch with a read-write compute; replicas follow it.',
  })
}

async function countMatching(sql: Sql, { relation, where }: Change): Promise<number> {
  return sql.begin(async (tx) => {
    await tx`set local statement_timeout = 0`
    const [row] = await tx.unsafe<Array<{ count: string }>>(
      `select count(*)::text as count from ${relation.name} where (\n${where}\n)`,
    )
    return Number(row?.count)
  })
}

function summarize(
  { table, key }: Plan,
  totals: Totals,
  { resumed, remaining }: { resumed: boolean; remaining: number | null },
): Summary {
  return {
    table,
    key,
    rows_updated: totals.rowsChanged,
    rows_visited: totals.rowsVisited,
    batches: totals.batches,
    retries: totals.retries,
    waits: totals.waits,
    wait_ms: Math.round(totals.waitMs),
    elapsed_ms: Math.round(totals.elapsedMs),
    wal_bytes: totals.walBytes,
    resumed,
    remaining_rows: remaining,
  }
}

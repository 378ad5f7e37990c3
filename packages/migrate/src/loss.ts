import type { Loss } from '@coppice/api'

import { type RestorePointRow, type TableCounters } from './ledger.ts'

/** Compares what has been counted now with what had been counted then. */
export function countLoss(point: RestorePointRow, now: TableCounters, nextXid: string): Loss {
  const tables: Loss['tables'] = []
  let isLowerBound = false
  for (const [oid, { name, rows }] of Object.entries(now)) {
    const before = point.counters[oid]?.rows ?? 0
    if (rows < before) isLowerBound = true
    const since = rows < before ? rows : rows - before
    const others = Math.max(0, since - (point.own_rows[oid] ?? 0))
    if (others > 0) tables.push({ table: name, rows: others })
  }
  const transactions =
    Number(BigInt(nextXid) - BigInt(point.next_xid)) - Number(point.own_transactions)
  return {
    transactions: Math.max(0, transactions),
    tables: tables.toSorted((a, b) => b.rows - a.rows || (a.table < b.table ? -1 : 1)),
    is_lower_bound: isLowerBound,
  }
}

/** In words, a line each. */
export function describeLoss({
  transactions,
  tables,
  is_lower_bound: isLowerBound,
}: Loss): string[] {
  const rows = tables.map(
    ({ table, rows: count }) => `  ${table}: ${count} rows inserted, updated or deleted`,
  )
  return [
    transactions === 0
      ? 'Nobody else has written anything since.'
      : `Up to ${transactions} transactions of others have written since (vacuum and analyze count too).`,
    ...rows,
    ...(isLowerBound ? ['PostgreSQL has begun to count anew since: it may be more.'] : []),
  ]
}

/** What a project has cost over time. */
import type { CostHistory, CostTimeframe } from '@coppice/api'

import { type ConsumptionRange, timeframesOf } from '../consumption-range.ts'
import type { Context } from '../context.ts'
import { sumConsumption, sumStorage } from '../store/consumption.ts'
import { countBranchHours } from '../store/costs.ts'
import { endOfTimeframe, startOfMonth } from '../usage-period.ts'
import { recordUsage } from '../usage.ts'
import { pricesInForce } from './price-list.ts'
import { noUsage, type PricedUsage, priceInTurn, sumOf } from './prices.ts'

/** Every timeframe of the range; those in which nothing was used cost nothing. */
export async function reportCostHistory(
  context: Context,
  projectId: string,
  range: ConsumptionRange,
): Promise<CostHistory> {
  await recordUsage(context)
  const { prices } = await pricesInForce(context)
  // What is included is used up from the month's beginning on.
  const whole = { ...range, from: startOfMonth(range.from), projectIds: [projectId] }
  const usageAt = await readUsage(context, whole, prices.included_branches)
  const timeframes = byMonth(timeframesOf(whole, whole.from)).flatMap((starts) => {
    const priced = priceInTurn(starts.map(usageAt), prices)
    return starts.map((start, at): CostTimeframe => {
      const items = priced[at] ?? []
      return {
        timeframe_start: start.toISOString(),
        timeframe_end: endOfTimeframe(range.granularity, start).toISOString(),
        items: items.map(({ metric, unit, quantity, cost }) => ({ metric, unit, quantity, cost })),
        total: sumOf(items.map(({ cost }) => cost)),
      }
    })
  })
  const since = range.from.toISOString()
  return { prices, timeframes: timeframes.filter((one) => one.timeframe_start >= since) }
}

function byMonth(starts: readonly Date[]): Date[][] {
  const months = new Map<number, Date[]>()
  for (const start of starts) {
    const month = startOfMonth(start).getTime()
    months.set(month, [...(months.get(month) ?? []), start])
  }
  return [...months.values()]
}

async function readUsage(
  context: Context,
  query: ConsumptionRange & { projectIds: string[] },
  includedBranches: number,
): Promise<(start: Date) => PricedUsage> {
  const [used, held, branches] = await Promise.all([
    sumConsumption(context.store, query),
    sumStorage(context.store, query),
    countBranchHours(context.store, query, includedBranches),
  ])
  const found = <Row extends { timeframe: Date }>(rows: readonly Row[], start: Date) =>
    rows.find(({ timeframe }) => timeframe.getTime() === start.getTime())
  return (start) => {
    const [work, storage, count] = [found(used, start), found(held, start), found(branches, start)]
    return {
      ...noUsage,
      ...(work && { compute_ms: work.compute_ms, egress_bytes: work.data_transfer_bytes }),
      ...(storage && {
        storage_byte_hours: storage.root_bytes_hour + storage.child_bytes_hour,
        history_byte_hours: storage.history_bytes_hour,
        snapshot_byte_hours: storage.snapshot_bytes_hour,
      }),
      ...(count && { branch_hours: count.branch_hours, extra_branch_hours: count.extra_hours }),
    }
  }
}

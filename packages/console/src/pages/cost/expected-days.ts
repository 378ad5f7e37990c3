import type { CostItem, CostMetric, CostReport } from '@coppice/api'

import type { Month } from './months.ts'

const dayMs = 86_400_000

export interface ExpectedDay {
  start: Date
  cost: Record<CostMetric, number>
  quantity: Record<CostMetric, number>
}

/** The days of a running month that are to come: what is expected of its rest, divided among them. */
export function expectedDays(
  { items }: Pick<CostReport, 'items'>,
  { end }: Month,
  now: Date,
): ExpectedDay[] {
  const restMs = end.getTime() - now.getTime()
  if (restMs <= 0) return []
  const tomorrow = (Math.floor(now.getTime() / dayMs) + 1) * dayMs
  const perDay = (amountOf: (item: CostItem) => number) =>
    // An entry for each metric of the report, which names all.
    Object.fromEntries(
      items.map((item) => [item.metric, Math.max(0, (amountOf(item) * dayMs) / restMs)]),
    ) as Record<CostMetric, number>
  const cost = perDay((item) => item.estimate - item.cost)
  const quantity = perDay((item) => item.estimated_quantity - item.quantity)
  const days = Math.round((end.getTime() - tomorrow) / dayMs)
  return Array.from({ length: days }, (_, day) => ({
    start: new Date(tomorrow + day * dayMs),
    cost,
    quantity,
  }))
}

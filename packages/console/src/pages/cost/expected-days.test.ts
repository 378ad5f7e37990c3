import type { CostItem } from '@coppice/api'
import { expect, test } from 'vitest'

import { expectedDays } from './expected-days.ts'
import { monthOf } from './months.ts'

const item: CostItem = {
  metric: 'compute',
  unit: 'CU-hour',
  quantity: 10,
  included: 0,
  price: 1,
  cost: 10,
  estimate: 21,
  estimated_quantity: 15.5,
}

test('what is to come is divided among the days to come', () => {
  const now = new Date('2026-11-25T12:00:00Z')
  const days = expectedDays({ items: [item] }, monthOf(now), now)
  expect(days.map(({ start }) => start.toISOString().slice(0, 10))).toEqual([
    '2026-11-26',
    '2026-11-27',
    '2026-11-28',
    '2026-11-29',
    '2026-11-30',
  ])
  // Five days and a half.
  expect(days[0]?.cost.compute).toBeCloseTo(2)
  expect(days[0]?.quantity.compute).toBeCloseTo(1)
})

test('of a month that is over nothing is to come', () => {
  const now = new Date('2026-11-25T12:00:00Z')
  expect(expectedDays({ items: [item] }, monthOf(now, -1), now)).toEqual([])
})

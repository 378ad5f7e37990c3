import { expect, test } from 'vitest'

import {
  grossCost,
  hoursOfMonth,
  noUsage,
  presets,
  type PricedUsage,
  priceInTurn,
  priceUsage,
  sumOf,
} from './prices.ts'

const gbMonth = 1e9 * hoursOfMonth
const hourMs = 3_600_000

function costs(usage: Partial<PricedUsage>, preset: keyof typeof presets) {
  const items = priceUsage({ ...noUsage, ...usage }, presets[preset])
  return Object.fromEntries(items.map((item) => [item.metric, item.cost]))
}

test('what is asked for by default: storage and egress beyond what is free', () => {
  expect(
    costs(
      { storage_byte_hours: 100 * gbMonth, egress_bytes: 11e9, compute_ms: 500 * hourMs },
      'mission',
    ),
  ).toMatchObject({ storage: 27, egress: 1, compute: 0 })
})

test('what is included of storage covers data first, then history, then snapshots', () => {
  const usage = { storage_byte_hours: 8 * gbMonth, history_byte_hours: 8 * gbMonth }
  const items = priceUsage({ ...noUsage, ...usage, snapshot_byte_hours: gbMonth }, presets.mission)
  const included = items.slice(1, 4).map((item) => item.included)
  expect(included).toEqual([8, 2, 0])
  expect(sumOf(items.map((item) => item.cost))).toBeCloseTo(7 * 0.3)
})

test("Neon's prices", () => {
  const usage = {
    compute_ms: 10 * hourMs,
    storage_byte_hours: 2 * gbMonth,
    history_byte_hours: gbMonth,
    snapshot_byte_hours: gbMonth,
    egress_bytes: 101e9,
    branch_hours: 12 * hoursOfMonth,
    extra_branch_hours: 2 * hoursOfMonth,
  }
  const found = costs(usage, 'neon')
  expect(found['compute']).toBeCloseTo(1.06)
  expect(found['storage']).toBeCloseTo(0.7)
  expect(found['history']).toBeCloseTo(0.2)
  expect(found['snapshots']).toBeCloseTo(0.09)
  expect(found['egress']).toBeCloseTo(0.1)
  expect(found['branches']).toBeCloseTo(3)
  expect(grossCost(usage, presets.neon)).toBeCloseTo(1.06 + 0.7 + 0.2 + 0.09 + 10.1 + 3)
})

test('the estimate goes on as the part that was seen, and what is free is free once', () => {
  const items = priceUsage({ ...noUsage, egress_bytes: 60e9 }, presets.neon, {
    observedHours: 100,
    remainingHours: 300,
  })
  const egress = items.find((item) => item.metric === 'egress')
  expect(egress).toMatchObject({ cost: 0, included: 60 })
  expect(egress?.estimate).toBeCloseTo((240 - 100) * 0.1)
  expect(egress?.estimated_quantity).toBeCloseTo(240)
})

test('days sum up to what their month costs, and the first of them use up what is free', () => {
  const days = [6, 6, 6].map((gb) => ({
    ...noUsage,
    storage_byte_hours: gb * gbMonth,
    history_byte_hours: gbMonth,
    egress_bytes: 0.8e9,
  }))
  const priced = priceInTurn(days, presets.mission)
  const costOf = (metric: string) =>
    priced.map((items) => items.find((item) => item.metric === metric)?.cost ?? Number.NaN)
  const rounded = (values: number[]) => values.map((value) => Number(value.toFixed(6)))
  expect(rounded(costOf('storage'))).toEqual([0, 0.6, 1.8])
  expect(rounded(costOf('egress'))).toEqual([0, 0.06, 0.08])
  expect(priced.map((items) => items[0]?.quantity)).toEqual([0, 0, 0])
  const whole = priceUsage(
    {
      ...noUsage,
      storage_byte_hours: 18 * gbMonth,
      history_byte_hours: 3 * gbMonth,
      egress_bytes: 2.4e9,
    },
    presets.mission,
  )
  expect(sumOf(priced.flat().map((item) => item.cost))).toBeCloseTo(
    sumOf(whole.map((item) => item.cost)),
  )
})

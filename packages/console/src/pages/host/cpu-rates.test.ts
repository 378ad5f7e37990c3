import { expect, test } from 'vitest'

import { cpuRates, lookAt } from './cpu-rates.ts'

const started_at = '2026-11-25T12:00:00.000Z'
const startMs = Date.parse(started_at)
const compute = (cpu_seconds?: number) => ({
  endpoint_id: 'ep-1',
  started_at,
  ...(cpu_seconds !== undefined && { cpu_seconds }),
})

test('processors are those of the time between two looks', () => {
  const before = lookAt([compute(10)], startMs + 60_000)
  expect(cpuRates(before, [compute(12.5)], startMs + 65_000).get('ep-1')).toBeCloseTo(0.5)
})

test('without a look before, or after a new start, those since it began', () => {
  expect(cpuRates(undefined, [compute(10)], startMs + 20_000).get('ep-1')).toBeCloseTo(0.5)
  const before = lookAt([compute(99)], startMs - 5000)
  expect(cpuRates(before, [compute(1)], startMs + 2000).get('ep-1')).toBeCloseTo(0.5)
})

test('what is not told is not made up', () => {
  expect(cpuRates(undefined, [compute()], startMs + 1000).size).toBe(0)
})

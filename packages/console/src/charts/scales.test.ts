import { expect, test } from 'vitest'

import { nearest, timeTicks, valueTicks } from './scales.ts'

test('values have round steps that reach the highest', () => {
  expect(valueTicks(7)).toEqual([0, 2.5, 5, 7.5])
  expect(valueTicks(0.25)).toEqual([0, 0.1, 0.2, 0.30000000000000004])
  expect(valueTicks(100)).toEqual([0, 50, 100])
  expect(valueTicks(0)).toEqual([0, 1])
})

test('bytes have steps that are round in their own unit', () => {
  expect(valueTicks(3 * 1024 ** 2, { base: 1024 })).toEqual(
    [0, 1, 2, 3].map((mb) => mb * 1024 ** 2),
  )
  expect(valueTicks(900, { base: 1024 })).toEqual([0, 500, 1000])
})

test('times are round on the clock, and no more than there is room for', () => {
  const fromMs = new Date(2026, 4, 1, 12, 3).getTime()
  const ticks = timeTicks(fromMs, fromMs + 3_600_000, 6)
  expect(ticks.map(({ atMs }) => new Date(atMs).getMinutes())).toEqual([10, 20, 30, 40, 50, 0])
  const days = timeTicks(fromMs, fromMs + 14 * 86_400_000, 8)
  expect(days.length).toBeLessThanOrEqual(8)
  expect(days.every(({ atMs }) => new Date(atMs).getHours() === 0)).toBe(true)
})

test('the nearest time is found', () => {
  expect(nearest([10, 20, 30], 24)).toBe(1)
  expect(nearest([10, 20, 30], 26)).toBe(2)
  expect(nearest([10, 20, 30], -5)).toBe(0)
  expect(nearest([10, 20, 30], 99)).toBe(2)
  expect(nearest([], 1)).toBe(-1)
})

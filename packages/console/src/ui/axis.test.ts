import { expect, test } from 'vitest'

import { labelEvery, scaleFor } from './axis.ts'

test.each([
  [
    [3, 7.2],
    [0, 2, 4, 6, 8],
  ],
  [[0.0031], [0, 0.001, 0.002, 0.003, 0.004]],
  [[100], [0, 25, 50, 75, 100]],
  [[], [0]],
  [[0, 0], [0]],
])('an axis for %j ends at a round number', (values, ticks) => {
  const scale = scaleFor(values)
  expect(scale.ticks.map((tick) => Number(tick.toPrecision(6)))).toEqual(ticks)
  expect(scale.max).toBeGreaterThanOrEqual(Math.max(0, ...values))
})

test('as many labels as there is room for', () => {
  expect([labelEvery(30, 600, 60), labelEvery(12, 900, 60), labelEvery(30, 20, 60)]).toEqual([
    3, 1, 30,
  ])
})

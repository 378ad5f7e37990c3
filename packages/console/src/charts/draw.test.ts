import { expect, test } from 'vitest'

import { areaPath, linePath, runsOf, stack } from './draw.ts'

const placeOf = (at: number, value: number) => ({ x: at, y: value })

test('a line is broken where it slept and where there is no value', () => {
  const runs = runsOf([1, 2, undefined, 3, 4, 5], new Set([4]), placeOf)
  expect(runs.map((run) => run.map(({ y }) => y))).toEqual([[1, 2], [3], [4, 5]])
  expect(linePath(runs)).toBe('M0.0,1.0L1.0,2.0M3.0,3.0h0.01M4.0,4.0L5.0,5.0')
})

test('areas stand on what is below them', () => {
  expect(
    stack([
      [1, undefined, 3],
      [1, undefined, undefined],
    ]),
  ).toEqual([
    [1, undefined, 3],
    [2, undefined, 3],
  ])
  const top = [[0, 1].map((x) => ({ x, y: 2 }))]
  const bottom = [[0, 1].map((x) => ({ x, y: 0 }))]
  expect(areaPath(top, bottom)).toBe('M0.0,2.0L1.0,2.0L1.0,0.0L0.0,0.0Z')
})

import { expect, test } from 'vitest'

import { scrollScale } from './scroll-scale.ts'

test('rows that fit move as the scroll bar does', () => {
  const scale = scrollScale(28_000, 400)
  expect(scale.height).toBe(28_000)
  expect(scale.toOffset(1234)).toBe(1234)
  expect(scale.toScrollTop(1234)).toBe(1234)
  expect(scale.toOffset(99_999)).toBe(27_600)
})

test('the end of the scroll bar is the last row, however many there are', () => {
  const scale = scrollScale(5_000_000 * 28, 400)
  expect(scale.height).toBeLessThan(17_000_000)
  expect(scale.toOffset(0)).toBe(0)
  expect(scale.toOffset(scale.height - 400)).toBe(5_000_000 * 28 - 400)
  expect(scale.toOffset(scale.toScrollTop(77_000_000))).toBeCloseTo(77_000_000)
})

test('fewer rows than there is room for do not move', () => {
  expect(scrollScale(100, 400).toOffset(50)).toBe(0)
})

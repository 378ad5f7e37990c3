import { expect, test } from 'vitest'

import { formatElapsed } from './elapsed.ts'
import { explainOf, formatShort } from './statement-text.ts'

test('elapsed time is as exact as it is short', () => {
  expect([0.42, 12.7, 185, 5400, 260_000].map(formatElapsed)).toEqual([
    '0.4 s',
    '12 s',
    '3:05 min',
    '1.5 h',
    '3 d',
  ])
})

test('times of statements are in milliseconds, however short', () => {
  expect([0.012, 3.25, 340, 1200].map(formatShort)).toEqual([
    '0.012 ms',
    '3.3 ms',
    '340 ms',
    '1.2 s',
  ])
})

test('a statement without its values is explained for any', () => {
  expect(explainOf('select 1')).toBe('explain\nselect 1')
  expect(explainOf('select $1')).toBe('explain (generic_plan)\nselect $1')
})

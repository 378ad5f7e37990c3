import { expect, test } from 'vitest'

import { createPace } from './pace.ts'

test('grows while batches are quick, up to what is allowed', () => {
  const pace = createPace({ maxRows: 1000, targetMs: 200 })
  expect(pace.rows).toBe(200)
  const seen = [1, 2, 3, 4].map(() => {
    pace.record(1, false)
    return pace.rows
  })
  expect(seen).toEqual([400, 800, 1000, 1000])
})

test('settles where a batch takes its time', () => {
  const pace = createPace({ maxRows: 100_000, targetMs: 200 })
  for (let at = 0; at < 20; at++) pace.record(pace.rows * 0.1, false)
  expect(pace.rows).toBe(2000)
})

test('halves when others wait or hold the rows, and never below a row', () => {
  const pace = createPace({ maxRows: 100, targetMs: 200 })
  pace.record(1, true)
  expect(pace.rows).toBe(50)
  for (let at = 0; at < 20; at++) pace.shrink()
  expect(pace.rows).toBe(1)
})

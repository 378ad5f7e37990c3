import { expect, test } from 'vitest'

import { progressText } from './progress-line.ts'

const totals = {
  rowsChanged: 20,
  rowsVisited: 50,
  batches: 1,
  retries: 0,
  waits: 0,
  waitMs: 0,
  elapsedMs: 0,
  walBytes: 0,
}

test('says how far it is and how long it will take', () => {
  expect(progressText(totals, { rows: 200, speed: 10, batchRows: 50, bar: false })).toBe(
    '25% of about 200 rows, 20 changed, batches of 50, about 15 s left',
  )
})

test('an estimate that was too low is never passed', () => {
  const text = progressText(totals, { rows: 10, speed: 0, batchRows: 5, bar: true })
  expect(text).toBe(`[${'#'.repeat(24)}] 100% of about 50 rows, 20 changed, batches of 5`)
})

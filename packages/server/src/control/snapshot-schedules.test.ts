import type { BackupScheduleItem } from '@coppice/api'
import { expect, test } from 'vitest'

import { isDue, lastOccurrence } from './snapshot-schedules.ts'

// A Thursday.
const now = new Date('2026-03-05T10:30:00Z')

test.each<[BackupScheduleItem, string]>([
  [{ frequency: 'hourly' }, '2026-03-05T10:00:00Z'],
  [{ frequency: 'daily', hour: 10 }, '2026-03-05T10:00:00Z'],
  [{ frequency: 'daily', hour: 11 }, '2026-03-04T11:00:00Z'],
  [{ frequency: 'weekly', day: 4, hour: 10 }, '2026-03-05T10:00:00Z'],
  [{ frequency: 'weekly', day: 4, hour: 11 }, '2026-02-26T11:00:00Z'],
  [{ frequency: 'weekly', day: 7 }, '2026-03-01T00:00:00Z'],
  [{ frequency: 'weekly', day: 1 }, '2026-03-02T00:00:00Z'],
  [{ frequency: 'monthly', day: 5, hour: 9 }, '2026-03-05T09:00:00Z'],
  [{ frequency: 'monthly', day: 31, hour: 9 }, '2026-02-28T09:00:00Z'],
  [{ frequency: 'yearly', month: 12, day: 24 }, '2025-12-24T00:00:00Z'],
  [{ frequency: 'yearly', month: 3, day: 1 }, '2026-03-01T00:00:00Z'],
])('%j came last at %s', (item, expected) => {
  expect(lastOccurrence(item, now)).toEqual(new Date(expected))
})

test('what has been carried out is not due again before its next time', () => {
  const item: BackupScheduleItem = { frequency: 'daily', hour: 10 }
  expect(isDue(item, new Date('2026-03-05T09:59:59Z'), now)).toBe(true)
  expect(isDue(item, new Date('2026-03-05T10:00:01Z'), now)).toBe(false)
})

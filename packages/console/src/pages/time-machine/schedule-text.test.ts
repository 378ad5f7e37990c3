import { expect, test } from 'vitest'

import { scheduleText } from './schedule-text.ts'

test('a schedule in words', () => {
  expect(
    [
      { frequency: 'hourly' as const },
      { frequency: 'daily' as const, hour: 3 },
      { frequency: 'weekly' as const, day: 7, hour: 23 },
      { frequency: 'monthly' as const },
      { frequency: 'yearly' as const, day: 24, month: 12, hour: 12 },
    ].map(scheduleText),
  ).toEqual([
    'every hour',
    'every day at 03:00',
    'every Sunday at 23:00',
    'on day 1 of every month at 00:00',
    'every year on 24 December at 12:00',
  ])
})

import { expect, test } from 'vitest'

import { daysOf, monthOf, monthsSince } from './months.ts'

const now = new Date('2026-11-25T14:00:00Z')

test('months go back to the one in which a project was made, and a year at most', () => {
  const names = (since: string) => monthsSince(new Date(since), now).map(({ name }) => name)
  expect(names('2026-09-30T23:00:00Z')).toEqual(['2026-11', '2026-10', '2026-09'])
  expect(names('2026-11-25T13:00:00Z')).toEqual(['2026-11'])
  expect(names('2020-01-01T00:00:00Z')).toHaveLength(12)
})

test('days are those of the last sixty that lie in the month', () => {
  const days = (later: number) => daysOf(monthOf(now, later), now)
  expect(days(0)).toEqual({ from: new Date('2026-11-01T00:00:00Z'), to: now })
  expect(days(-1)?.to).toEqual(new Date('2026-11-01T00:00:00Z'))
  expect(days(-2)?.from).toEqual(new Date('2026-09-27T00:00:00Z'))
  expect(days(-3)).toBeUndefined()
})

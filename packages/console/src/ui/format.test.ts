import { expect, test } from 'vitest'

import {
  formatAction,
  formatAmount,
  formatBytes,
  formatCount,
  formatDuration,
  formatHours,
  formatMilliseconds,
  formatMoney,
  formatPrice,
  formatRelative,
} from './format.ts'

test('bytes are powers of 1024, with three figures', () => {
  const shown = [0, 1023, 1024, 123_456_789, 5 * 1024 ** 4, undefined].map(formatBytes)
  expect(shown).toEqual(['0 B', '1023 B', '1.0 kB', '118 MB', '5.0 TB', '–'])
})

test('counts have little room', () => {
  expect([0, 950, 12_345, 4_500_000].map(formatCount)).toEqual(['0', '950', '12.3k', '4.5M'])
})

test('durations name the largest unit that fits', () => {
  expect([1, 59, 60, 7200, 86_400, 700_000].map(formatDuration)).toEqual([
    '1 second',
    '59 seconds',
    '1 minute',
    '2 hours',
    '1 day',
    '1 week',
  ])
  expect([12, 1234, 90_000].map(formatMilliseconds)).toEqual(['12 ms', '1.2 s', '1 minute'])
  expect([120, 5400, 720_000].map(formatHours)).toEqual(['2 min', '1.5 h', '200 h'])
})

test('moments are told by their distance', () => {
  const now = Date.parse('2026-01-01T12:00:00Z')
  expect(formatRelative('2026-01-01T11:57:00Z', now)).toBe('3 minutes ago')
  expect(formatRelative('2026-01-04T12:00:00Z', now)).toBe('in 3 days')
  expect(formatRelative('2026-01-01T11:59:58Z', now)).toBe('just now')
})

test('an action nobody has worded is shown all the same', () => {
  expect(formatAction('create_branch')).toBe('Create branch')
  expect(formatAction('tidy_up')).toBe('tidy up')
})

test('money has two digits, and more where that would be nothing', () => {
  const shown = [0, 1240.5, 0.0031, -2].map((amount) => formatMoney(amount, 'USD'))
  expect(shown).toEqual(['$0.00', '$1,240.50', '$0.0031', '-$2.00'])
  expect(formatMoney(3, 'EUR')).toBe('€3.00')
  expect([0.106, 1.5].map((price) => formatPrice(price, 'USD'))).toEqual(['$0.106', '$1.50'])
})

test('amounts have three digits that mean something', () => {
  const shown = [0, 0.00001, 0.00123, 3.4159, 46.25, 1234.5].map(formatAmount)
  expect(shown).toEqual(['0', '< 0.001', '0.00123', '3.42', '46.3', '1,235'])
})

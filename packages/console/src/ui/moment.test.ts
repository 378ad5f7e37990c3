import { describe, expect, test } from 'vitest'

import { momentAt, momentFields, momentParam, momentText, msOfLsn, parseMoment } from './moment.ts'

const now = new Date(2026, 10, 25, 12, 0, 0).getTime()
const msOf = (text: string): number | undefined => {
  const moment = parseMoment(text, now)
  return moment?.kind === 'time' ? moment.ms : undefined
}

describe('a moment that is typed', () => {
  test('is a place in the WAL', () => {
    expect(parseMoment(' 0/2f3a9c8 ', now)).toEqual({ kind: 'lsn', lsn: '0/2F3A9C8' })
  })

  test('is a time, in the reader’s own zone unless it says another', () => {
    expect(msOf('2026-11-25 11:59:03')).toBe(now - 57_000)
    expect(msOf('2026-11-25T11:59')).toBe(now - 60_000)
    expect(msOf('2026-11-25')).toBe(now - 12 * 3_600_000)
    expect(msOf('2026-11-25T11:59:00Z')).toBe(Date.UTC(2026, 10, 25, 11, 59))
    expect(msOf('2026-11-25 11:59:00+02:00')).toBe(Date.UTC(2026, 10, 25, 9, 59))
    expect(msOf('2026-11-25 9:05')).toBe(now - 175 * 60_000)
  })

  test('is the last time of the clock', () => {
    expect(msOf('11:30')).toBe(now - 30 * 60_000)
    expect(msOf('12:00:01')).toBe(now - 86_400_000 + 1000)
  })

  test('is told by its distance', () => {
    expect(['5 min ago', '90s', '2 hours', '1 day ago', 'now', '1.5h'].map(msOf)).toEqual(
      [300, 90, 7200, 86_400, 0, 5400].map((seconds) => now - seconds * 1000),
    )
  })

  test('is none of these', () => {
    const texts = ['', 'yesterday', '2026-13-01', '25:00', '1/G', '5 parsecs', '12']
    expect(texts.map((text) => parseMoment(text, now))).toEqual(texts.map(() => undefined))
  })
})

test('what the field and the address show is read back as the same moment', () => {
  for (const text of ['0/16B3748', '2026-11-25T11:59:03.123456Z', '2026-11-25 08:00:00.5']) {
    const moment = parseMoment(text, now)
    if (moment === undefined) throw new Error(text)
    expect(parseMoment(momentParam(moment), now)).toEqual(moment)
  }
  expect(parseMoment(momentText(momentAt(now - 250)), now)).toEqual(momentAt(now - 250))
  expect(momentFields({ kind: 'lsn', lsn: '0/1' })).toEqual({ lsn: '0/1' })
  const fine = parseMoment('2026-11-25T11:59:03.123456Z', now)
  expect(fine && momentFields(fine)).toEqual({ timestamp: '2026-11-25T11:59:03.123456Z' })
})

test('a place in the WAL lies between the points around it', () => {
  const points = [
    { ms: 2000, lsn: '1/0' },
    { ms: 1000, lsn: '0/FFFFFF00' },
  ]
  expect(msOfLsn('0/FFFFFF80', points)).toBe(1500)
  expect(msOfLsn('0/FFFFFF00', points)).toBe(1000)
  expect(msOfLsn('0/1', points)).toBe(1000)
  expect(msOfLsn('2/0', points)).toBe(2000)
  expect(msOfLsn('2/0', [])).toBeUndefined()
})

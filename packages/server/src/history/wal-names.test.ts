import fc from 'fast-check'
import { expect, test } from 'vitest'

import { parseLsn, renderLsn } from '../lib/lsn.ts'
import { parseSegmentName, renderSegmentName, segmentEnd, segmentOf } from './wal-names.ts'

const mebibyte = 1024 ** 2

test('reads and writes the names that PostgreSQL gives', () => {
  // select pg_walfile_name('1/2345678') with segments of 16 MB and of 2 MB.
  const lsn = parseLsn('1/2345678') ?? 0n
  expect(renderLsn(lsn)).toBe('1/2345678')
  for (const [bytes, name] of [
    [16 * mebibyte, '000000010000000100000002'],
    [2 * mebibyte, '000000010000000100000011'],
  ] as const) {
    expect(renderSegmentName({ timeline: 1, number: segmentOf(lsn, bytes) }, bytes)).toBe(name)
  }
})

test('a name that is read is written the same, and holds its positions', () => {
  const lsns = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
  const sizes = fc.constantFrom(1, 2, 16, 64, 1024).map((size) => size * mebibyte)
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 32 - 1 }), lsns, sizes, (timeline, lsn, bytes) => {
      const segment = { timeline, number: segmentOf(lsn, bytes) }
      expect(parseSegmentName(renderSegmentName(segment, bytes), bytes)).toEqual(segment)
      expect(segmentEnd(segment.number, bytes) > lsn).toBe(true)
      expect(parseLsn(renderLsn(lsn))).toBe(lsn)
    }),
  )
})

test.each(['00000002.history', 'archive_status', '00000001000000010000000G', ''])(
  '%j is no segment',
  (name) => {
    expect(parseSegmentName(name, mebibyte)).toBeUndefined()
  },
)

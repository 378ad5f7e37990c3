import fc from 'fast-check'
import { expect, test } from 'vitest'

import { type KeptSnapshot, planTrim } from './retention.ts'

const now = new Date('2026-06-01T00:00:00Z')
const mebibyte = 1024n ** 2n
const minuteMs = 60_000

/** Lines with up to two hundred snapshots over some days, each with some WAL since the one before. */
const lines = fc
  .array(
    fc.record({
      minutes: fc.integer({ min: 1, max: 120 }),
      mebibytes: fc.integer({ min: 0, max: 700 }),
    }),
    { minLength: 1, maxLength: 200 },
  )
  .map((steps) => {
    let at = now.getTime() - steps.reduce((sum, step) => sum + step.minutes, 0) * minuteMs
    let lsn = 0n
    return steps.map((step, index): KeptSnapshot => {
      at += step.minutes * minuteMs
      lsn += BigInt(step.mebibytes) * mebibyte
      return { id: String(index), takenAt: new Date(at), lsn }
    })
  })
const windows = fc.integer({ min: 1, max: 7 * 24 * 60 }).map((minutes) => minutes * minuteMs)

const keptOf = (snapshots: KeptSnapshot[], remove: string[]): KeptSnapshot[] =>
  snapshots.filter(({ id }) => !remove.includes(id))

test('every moment of the window stays reachable, and what it needs is not far', () => {
  fc.assert(
    fc.property(lines, windows, (snapshots, windowMs) => {
      const windowStart = new Date(now.getTime() - windowMs)
      const { remove, walFrom } = planTrim({ snapshots, now, windowStart })
      const kept = keptOf(snapshots, remove)
      for (const moment of snapshots.filter(({ takenAt }) => takenAt >= windowStart)) {
        const start = kept.findLast(({ takenAt }) => takenAt <= moment.takenAt)
        expect(start).toBeDefined()
        expect(walFrom !== undefined && start !== undefined && walFrom <= start.lsn).toBe(true)
        const ageMs = now.getTime() - moment.takenAt.getTime()
        const limit = ageMs < 60 * minuteMs ? 128n : ageMs < 1440 * minuteMs ? 512n : 2048n
        const replay = moment.lsn - (start?.lsn ?? 0n)
        expect(start === moment || replay <= limit * mebibyte).toBe(true)
      }
    }),
  )
})

test('the start of the window has a snapshot where the line had one by then', () => {
  fc.assert(
    fc.property(lines, windows, (snapshots, windowMs) => {
      const windowStart = new Date(now.getTime() - windowMs)
      const kept = keptOf(snapshots, planTrim({ snapshots, now, windowStart }).remove)
      const isOlder = ({ takenAt }: KeptSnapshot) => takenAt <= windowStart
      expect(kept.some(isOlder)).toBe(snapshots.some(isOlder))
      // And no more than that one.
      expect(kept.filter(isOlder).length).toBeLessThanOrEqual(1)
    }),
  )
})

test('trimming again removes nothing more, and the newest is never removed', () => {
  fc.assert(
    fc.property(lines, windows, (snapshots, windowMs) => {
      const windowStart = new Date(now.getTime() - windowMs)
      const kept = keptOf(snapshots, planTrim({ snapshots, now, windowStart }).remove)
      expect(planTrim({ snapshots: kept, now, windowStart }).remove).toEqual([])
      expect(kept.at(-1)).toEqual(snapshots.at(-1))
    }),
  )
})

test('where the clock was set back, WAL stays from the lowest position that is kept', () => {
  const snapshots = [
    { id: 'earlier', takenAt: new Date('2026-05-31T23:30:00Z'), lsn: 100n * mebibyte },
    { id: 'later', takenAt: new Date('2026-05-31T22:40:00Z'), lsn: 400n * mebibyte },
  ]
  const windowStart = new Date('2026-05-30T00:00:00Z')
  for (const order of [snapshots, snapshots.toReversed()]) {
    const plan = planTrim({ snapshots: order, now, windowStart })
    expect(plan).toEqual({ remove: [], walFrom: 100n * mebibyte })
  }
})

test('without a window nothing is kept', () => {
  const snapshots = [{ id: 'a', takenAt: now, lsn: 1n }]
  expect(planTrim({ snapshots, now, windowStart: now })).toEqual({
    remove: ['a'],
    walFrom: undefined,
  })
})

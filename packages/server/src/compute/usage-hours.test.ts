import fc from 'fast-check'
import { expect, test } from 'vitest'

import { addUsage, hourMs, hourOf, type UsageHours } from './usage-hours.ts'

const ten = Date.parse('2026-11-05T10:00:00Z')
const at = (text: string): number => Date.parse(`2026-11-05T${text}Z`)

test('what is used within an hour belongs to that hour', () => {
  const hours: UsageHours = new Map()
  addUsage(hours, { fromMs: at('10:10:00'), toMs: at('10:20:00') }, { activeMs: 600_000 })
  addUsage(hours, { fromMs: at('10:20:00'), toMs: at('10:30:00') }, { activeMs: 600_000 })
  expect([...hours]).toEqual([
    [hourOf(ten), { activeMs: 1_200_000, computeMs: 0, cpuMs: 0, writtenBytes: 0, sentBytes: 0 }],
  ])
})

test('what spans hours is shared out by time, and the end of an hour is the next one', () => {
  const hours: UsageHours = new Map()
  addUsage(
    hours,
    { fromMs: at('10:45:00'), toMs: at('12:00:00') },
    { activeMs: 75 * 60_000, writtenBytes: 1000 },
  )
  expect([...hours.keys()]).toEqual([hourOf(ten), hourOf(ten + hourMs)])
  expect(hours.get(hourOf(ten))).toMatchObject({ activeMs: 15 * 60_000, writtenBytes: 200 })
  expect(hours.get(hourOf(ten + hourMs))).toMatchObject({
    activeMs: 60 * 60_000,
    writtenBytes: 800,
  })
})

test('what happens in one moment is counted whole, also where a clock was set back', () => {
  const hours: UsageHours = new Map()
  addUsage(hours, { fromMs: ten, toMs: ten }, { sentBytes: 7 })
  addUsage(hours, { fromMs: ten + 5_000, toMs: ten }, { sentBytes: 5 })
  expect(hours.get(hourOf(ten))?.sentBytes).toBe(12)
  expect(hours.size).toBe(1)
})

test('nothing is lost or made by sharing out', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 5 * hourMs }),
      fc.integer({ min: 0, max: 50 * hourMs }),
      fc.nat(),
      fc.nat(),
      (offsetMs, lengthMs, writtenBytes, cpuMs) => {
        const hours: UsageHours = new Map()
        const fromMs = ten + offsetMs
        const toMs = fromMs + lengthMs
        addUsage(hours, { fromMs, toMs }, { activeMs: lengthMs, writtenBytes, cpuMs })
        const all = [...hours.values()]
        const sum = (name: 'activeMs' | 'writtenBytes' | 'cpuMs'): number =>
          all.reduce((total, one) => total + one[name], 0)
        expect(sum('activeMs')).toBe(lengthMs)
        expect(sum('writtenBytes')).toBe(writtenBytes)
        expect(sum('cpuMs')).toBe(cpuMs)
        expect(all.every((one) => one.activeMs <= hourMs)).toBe(true)
        expect(all.every((one) => one.writtenBytes >= 0)).toBe(true)
      },
    ),
  )
})

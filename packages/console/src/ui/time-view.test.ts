import { expect, test } from 'vitest'

import { localText, panView, revealMoment, spanOf, stepOf, ticksOf, zoomView } from './time-view.ts'

const day = 86_400_000
const bounds = { fromMs: Date.UTC(2026, 0, 1), toMs: Date.UTC(2026, 0, 2) }

test('zooming keeps what is under the pointer where it is, and ends at seconds and at the window', () => {
  const anchor = bounds.fromMs + day / 4
  const half = zoomView(bounds, bounds, 0.5, anchor)
  expect((anchor - half.fromMs) / spanOf(half)).toBeCloseTo(0.25)
  expect(spanOf(half)).toBe(day / 2)
  expect(spanOf(zoomView(half, bounds, 1e-9, anchor))).toBe(5000)
  expect(zoomView(half, bounds, 100, anchor)).toEqual(bounds)
})

test('a window that is shorter than the closest look is shown as a whole', () => {
  const short = { fromMs: 0, toMs: 900 }
  expect(zoomView(short, short, 0.5, 100)).toEqual(short)
})

test('a view stays within the window, and follows a moment no further than it takes', () => {
  const hours = { fromMs: bounds.fromMs, toMs: bounds.fromMs + day / 24 }
  expect(panView(hours, bounds, -day)).toEqual(hours)
  expect(panView(hours, bounds, 2 * day).toMs).toBe(bounds.toMs)
  expect(revealMoment(hours, bounds, hours.fromMs + 1_800_000)).toBe(hours)
  const later = revealMoment(hours, bounds, hours.toMs + 60_000)
  expect(later.toMs).toBeGreaterThan(hours.toMs + 60_000)
  expect(spanOf(later)).toBe(spanOf(hours))
})

test('steps and ticks are round, and finer the closer the look', () => {
  expect(stepOf(bounds)).toBe(600_000)
  expect(stepOf({ fromMs: 0, toMs: 5000 })).toBe(10)
  const near = { fromMs: bounds.fromMs, toMs: bounds.fromMs + 60_000 }
  const ticks = ticksOf(near, 900)
  expect(ticks.length).toBeGreaterThan(5)
  expect(ticks.every(({ ms }) => ms % 1000 === 0)).toBe(true)
  expect(ticks.at(-1)?.label).toMatch(/^\d\d:\d\d:\d\d$/)
  const days = ticksOf({ fromMs: bounds.fromMs, toMs: bounds.fromMs + 30 * day }, 900)
  expect(days.every(({ ms }) => new Date(ms).getHours() === 0)).toBe(true)
  const gaps = ticks.slice(1).map(({ ms }, at) => ((ms - (ticks[at]?.ms ?? 0)) / 60_000) * 900)
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(84)
  expect(ticksOf(near, 0)).toEqual([])
})

test('a moment is written in the reader’s own time zone', () => {
  const at = new Date(2026, 10, 25, 6, 4, 3, 250).getTime()
  expect(localText(at)).toBe('2026-11-25 06:04:03.250')
})

import { afterEach, expect, test, vi } from 'vitest'

import { steadyDate, steadyNow } from './steady-clock.ts'

const dayMs = 86_400_000

afterEach(() => {
  vi.useRealTimers()
})

test('a clock that is set changes no duration, and dates are told by it', () => {
  const startMs = steadyNow()
  const date = steadyDate(startMs)
  expect(Math.abs(date.getTime() - Date.now())).toBeLessThan(1000)
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 2 * dayMs })
  expect(steadyNow() - startMs).toBeGreaterThanOrEqual(0)
  expect(steadyNow() - startMs).toBeLessThan(dayMs)
  expect(Math.abs(steadyDate(startMs).getTime() - Date.now())).toBeLessThan(60_000)
  vi.useRealTimers()
  expect(Math.abs(steadyDate(startMs).getTime() - date.getTime())).toBeLessThan(1000)
})

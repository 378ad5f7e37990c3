import { describe, expect, test } from 'vitest'

import {
  bytesPerUnit,
  scale,
  type ScalerState,
  type SizeBounds,
  startScaling,
} from './autoscaler.ts'
import type { GroupUsage } from './control-groups.ts'

const stepMs = 500
const gigabyte = 1024 ** 3

/** What a compute does for some time. */
interface Load {
  seconds: number
  /** Processors that it would use if it had them. */
  cpus?: number
  pinnedBytes?: number
  refaultedBytesPerSecond?: number
}

/** Runs loads one after another; answers the size after each reading. */
function course(bounds: SizeBounds, loads: readonly Load[]): { atMs: number; units: number }[] {
  let state: ScalerState = startScaling(bounds)
  let atMs = 0
  const sums: GroupUsage = { cpuMs: 0, throttledMs: 0, pinnedBytes: 0, refaultedBytes: 0 }
  const sizes: { atMs: number; units: number }[] = []
  for (const { seconds, cpus = 0, pinnedBytes = 0, refaultedBytesPerSecond = 0 } of loads) {
    for (let step = 0; step < (seconds * 1000) / stepMs; step++) {
      atMs += stepMs
      const quota = Math.max(state.units, Math.min(1, bounds.max))
      sums.cpuMs += Math.min(cpus, quota) * stepMs
      if (cpus > quota) sums.throttledMs += stepMs / 2
      sums.refaultedBytes += (refaultedBytesPerSecond * stepMs) / 1000
      state = scale(state, { ...sums, pinnedBytes }, atMs, bounds)
      sizes.push({ atMs, units: state.units })
    }
  }
  return sizes
}

const last = (sizes: { units: number }[]): number => sizes.at(-1)?.units ?? 0

describe('the autoscaler', () => {
  test('leaves an idle compute at its minimum', () => {
    expect(last(course({ min: 0.25, max: 8 }, [{ seconds: 300 }]))).toBe(0.25)
  })

  test('is at the maximum within two seconds of a load that wants it', () => {
    const sizes = course({ min: 0.25, max: 8 }, [{ seconds: 5 }, { seconds: 4, cpus: 20 }])
    expect(sizes.find(({ units }) => units === 8)?.atMs).toBeLessThanOrEqual(7_000)
  })

  test('gives a steady load what it uses and some room', () => {
    expect(last(course({ min: 0.25, max: 8 }, [{ seconds: 300, cpus: 1.3 }]))).toBe(2)
  })

  test('keeps a size for a minute after the load has gone, and then shrinks in steps', () => {
    const sizes = course({ min: 0.25, max: 4 }, [{ seconds: 10, cpus: 9 }, { seconds: 200 }])
    const after = sizes.filter(({ atMs }) => atMs > 10_000)
    expect(after.filter(({ atMs }) => atMs < 70_000).every(({ units }) => units === 4)).toBe(true)
    const steps = [...new Set(after.map(({ units }) => units))]
    expect(steps[1]).toBe(3)
    expect(steps.length).toBeGreaterThan(5)
    expect(last(sizes)).toBe(0.25)
  })

  test('does not shrink under a load that comes back every half minute', () => {
    const waves = Array.from({ length: 10 }, () => [{ seconds: 3, cpus: 9 }, { seconds: 30 }])
    const sizes = course({ min: 0.25, max: 4 }, waves.flat())
    expect(sizes.filter(({ atMs }) => atMs > 5_000).every(({ units }) => units === 4)).toBe(true)
  })

  test('holds memory that is in use, however idle', () => {
    const sizes = course({ min: 0.25, max: 8 }, [{ seconds: 200, pinnedBytes: 6 * gigabyte }])
    expect(last(sizes) * bytesPerUnit * 0.75).toBeGreaterThanOrEqual(6 * gigabyte)
    expect(last(sizes)).toBe(2)
  })

  test('grows for a working set that does not fit the cache', () => {
    const busy = { seconds: 3, refaultedBytesPerSecond: 200 * 1024 ** 2 }
    expect(last(course({ min: 0.25, max: 2 }, [busy]))).toBe(2)
    expect(last(course({ min: 0.25, max: 2 }, [{ ...busy, refaultedBytesPerSecond: 1e6 }]))).toBe(
      0.25,
    )
  })

  test('follows bounds that change', () => {
    const idle = { cpuMs: 0, throttledMs: 0, pinnedBytes: 0, refaultedBytes: 0 }
    const state = scale(startScaling({ min: 4, max: 8 }), idle, 500, { min: 0.25, max: 1 })
    expect(state.units).toBe(1)
    expect(scale(state, idle, 1_000, { min: 2, max: 4 }).units).toBe(2)
  })

  test('stays within its bounds in quarters, and never shrinks within a minute of a wish for more', () => {
    let seed = 7
    const random = (): number => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31
    for (let round = 0; round < 40; round++) {
      const min = Math.ceil(random() * 8) / 4
      const bounds = { min, max: min + Math.floor(random() * 32) / 4 }
      const loads = Array.from({ length: 8 }, () => ({
        seconds: Math.ceil(random() * 90),
        cpus: random() * 12,
        pinnedBytes: random() * 8 * gigabyte,
        refaultedBytesPerSecond: random() * 64 * 1024 ** 2,
      }))
      const sizes = course(bounds, loads)
      sizes.forEach(({ units, atMs }, index) => {
        expect(units).toBeGreaterThanOrEqual(bounds.min)
        expect(units).toBeLessThanOrEqual(bounds.max)
        expect(units * 4).toBe(Math.round(units * 4))
        const before = sizes[index - 1]?.units ?? bounds.min
        if (units >= before) return
        const grewLately = sizes.some(
          (one, at) =>
            atMs - one.atMs < 55_000 && at < index && one.units > (sizes[at - 1]?.units ?? 0),
        )
        expect(grewLately).toBe(false)
      })
    }
  })
})

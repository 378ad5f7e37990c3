/**
 * A scale that gives the last minutes as much room as the last months: branches live that differently.
 * Distances from now are logarithmic; what is still to come, as an expiry, has a part of its own.
 */
export interface TimeScale {
  /** Pixels from the left; outside of what the scale holds, its nearest end. */
  xOf: (ms: number) => number
  nowX: number
  ticks: Tick[]
}

export interface Tick {
  x: number
  label: string
}

interface TimeScaleOptions {
  nowMs: number
  oldestMs: number
  /** The latest moment to come; undefined where nothing is to come. */
  latestMs: number | undefined
  width: number
}

/** Below that distances are nearly linear: a minute. */
const bendMs = 60_000
/** Of a project that was made just now. */
const shortestPastMs = 15_000
const futureShare = 0.18
const tickGapPx = 46
/** Beside the ends, so that marks there are whole. */
const marginPx = 16

const steps: ReadonlyArray<readonly [ms: number, label: string]> = [
  [60_000, '1 min'],
  [300_000, '5 min'],
  [900_000, '15 min'],
  [3_600_000, '1 h'],
  [6 * 3_600_000, '6 h'],
  [86_400_000, '1 day'],
  [3 * 86_400_000, '3 days'],
  [7 * 86_400_000, '1 week'],
  [30 * 86_400_000, '1 month'],
  [90 * 86_400_000, '3 months'],
  [365 * 86_400_000, '1 year'],
  [3 * 365 * 86_400_000, '3 years'],
]

export function createTimeScale(options: TimeScaleOptions): TimeScale {
  const { nowMs, oldestMs, latestMs, width } = options
  const hasFuture = latestMs !== undefined && latestMs > nowMs
  const room = Math.max(1, width - 2 * marginPx)
  const pastWidth = hasFuture ? room * (1 - futureShare) : room
  const futureWidth = room - pastWidth
  const past = Math.max(shortestPastMs, nowMs - oldestMs)
  const future = hasFuture ? Math.max(bendMs, latestMs - nowMs) : bendMs
  const nowX = marginPx + pastWidth
  const xOf = (ms: number): number => {
    if (ms <= nowMs) return nowX - pastWidth * Math.min(1, bend(nowMs - ms) / bend(past))
    return nowX + futureWidth * Math.min(1, bend(ms - nowMs) / bend(future))
  }
  return { xOf, nowX, ticks: chooseTicks({ nowMs, past, future, hasFuture, nowX, xOf }) }
}

const bend = (distanceMs: number): number => Math.log1p(distanceMs / bendMs)

/** As many as fit beside each other, from now outwards. */
function chooseTicks(scale: {
  nowMs: number
  past: number
  future: number
  hasFuture: boolean
  nowX: number
  xOf: (ms: number) => number
}): Tick[] {
  const { nowMs, past, future, hasFuture, nowX, xOf } = scale
  const ticks: Tick[] = [{ x: nowX, label: 'now' }]
  const walk = (reach: number, sign: 1 | -1): void => {
    let lastX = nowX
    for (const [ms, label] of steps) {
      const x = xOf(nowMs + sign * ms)
      if (ms > reach || Math.abs(x - lastX) < tickGapPx) continue
      ticks.push({ x, label: sign === 1 ? `in ${label}` : label })
      lastX = x
    }
  }
  walk(past, -1)
  if (hasFuture) walk(future, 1)
  return ticks.toSorted((a, b) => a.x - b.x)
}

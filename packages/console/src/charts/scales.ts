import { ticksUpTo } from '../ui/axis.ts'

/** Where the axes of a chart have their lines. */

/** The lines of an axis of values, in about three steps; from 0 to 1 where there is nothing. */
export const valueTicks = (highest: number, { count = 3, base = 10 } = {}): number[] =>
  highest > 0 ? ticksUpTo(highest, { count, base }) : [0, 1]

const minuteMs = 60_000
const dayMs = 86_400_000
const timeSteps = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880].map(
  (minutes) => minutes * minuteMs,
)

export interface TimeTick {
  atMs: number
  label: string
}

/** At most `count` round moments of a range, on the reader's own clock. */
export function timeTicks(fromMs: number, toMs: number, count: number): TimeTick[] {
  const most = Math.max(2, count)
  const stepMs = timeSteps.find((step) => (toMs - fromMs) / step <= most) ?? 7 * dayMs
  const offsetMs = new Date(fromMs).getTimezoneOffset() * minuteMs
  const first = Math.ceil((fromMs - offsetMs) / stepMs) * stepMs + offsetMs
  const ticks: TimeTick[] = []
  for (let atMs = first; atMs <= toMs; atMs += stepMs) {
    ticks.push({ atMs, label: labelOf(atMs, (atMs - offsetMs) % dayMs === 0) })
  }
  return ticks
}

function labelOf(atMs: number, isMidnight: boolean): string {
  const at = new Date(atMs)
  return isMidnight
    ? at.toLocaleDateString(undefined, { day: 'numeric', month: 'short' })
    : at.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' })
}

/** The index of the time that is nearest to a moment; -1 where there are none. They ascend. */
export function nearest(times: readonly number[], atMs: number): number {
  let [low, high] = [0, times.length - 1]
  if (high < 0) return -1
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((times[middle] ?? 0) < atMs) low = middle
    else high = middle
  }
  return Math.abs((times[low] ?? 0) - atMs) <= Math.abs((times[high] ?? 0) - atMs) ? low : high
}

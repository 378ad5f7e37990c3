/** Where the axes of a chart have their lines. */

const niceSteps = [1, 2, 2.5, 5, 10]

/**
 * From 0 to a round number that is not below `highest`, in about `count` steps. `base` is what units grow
 * by: 1024 for bytes.
 */
export function valueTicks(highest: number, { count = 3, base = 10 } = {}): number[] {
  if (!(highest > 0)) return [0, 1]
  const unit = base === 10 ? 1 : base ** Math.max(0, Math.floor(Math.log(highest) / Math.log(base)))
  const rough = highest / unit / count
  const magnitude = 10 ** Math.floor(Math.log10(rough))
  const nice = niceSteps.find((step) => step * magnitude >= rough * 0.999) ?? 10
  const step = nice * magnitude * unit
  const steps = Math.max(1, Math.ceil(highest / step - 0.001))
  return Array.from({ length: steps + 1 }, (_, at) => at * step)
}

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

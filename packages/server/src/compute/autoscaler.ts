import type { GroupUsage } from './control-groups.ts'

/**
 * How large a compute should be, from what it uses: up at once, down slowly. Pure, so that it can be
 * tried with any course of events.
 */
export interface SizeBounds {
  /** Compute units: 1 is one processor and 4 GB. */
  min: number
  max: number
}

export interface ScalerState {
  /** The size in force. */
  units: number
  /** The reading before, which the next is compared with. */
  before: Reading | undefined
  /** The largest size that was wanted, by stretch of time; the newest last. */
  peaks: readonly Peak[]
  /** When it last became smaller. */
  shrunkMs: number
}

interface Reading extends GroupUsage {
  atMs: number
}

interface Peak {
  /** The stretch's number. */
  stretch: number
  units: number
}

export const bytesPerUnit = 4096 * 1024 * 1024
const quarter = 0.25

/** A compute that is this busy, or whose memory is this full, is given more. */
const targetUse = 0.7
const targetMemory = 0.75

/** Of the time: less of waiting for the processor is a burst that is over. */
const throttledTooLong = 0.05

/** Cache that was dropped too early, in bytes a second: a working set that does not fit. */
const refaultsTooMany = 32 * 1024 * 1024

/** How long a size has to have been too large before it becomes smaller, and how often it may. */
const lookBackMs = 60_000
const stretchMs = 5_000
const shrinkEveryMs = 5_000

export function startScaling(bounds: SizeBounds): ScalerState {
  return { units: bounds.min, before: undefined, peaks: [], shrunkMs: 0 }
}

/** The state after a reading at a moment, in ms of a clock that only goes forward. */
export function scale(
  state: ScalerState,
  usage: GroupUsage,
  atMs: number,
  bounds: SizeBounds,
): ScalerState {
  const reading = { ...usage, atMs }
  const wanted = inBounds(wantedUnits(state, reading), bounds)
  const peaks = withPeak(state.peaks, { stretch: Math.floor(atMs / stretchMs), units: wanted })
  const current = inBounds(state.units, bounds)
  const next = { ...state, before: reading, peaks, units: current }
  if (wanted > current) return { ...next, units: wanted }
  const target = Math.max(...peaks.map((peak) => peak.units))
  const hasLookedBack = atMs - (peaks[0]?.stretch ?? 0) * stretchMs >= lookBackMs
  const mayShrink = hasLookedBack && atMs - state.shrunkMs >= shrinkEveryMs
  if (target >= current || !mayShrink) return next
  // A quarter of it at a time, so that a load that comes back does not find the least.
  const step = Math.max(quarter, roundUp(current / 4))
  return { ...next, units: Math.max(target, current - step), shrunkMs: atMs }
}

/** What the load of the time since the reading before asks for, without bounds. */
function wantedUnits({ units, before }: ScalerState, now: Reading): number {
  const memory = now.pinnedBytes / targetMemory / bytesPerUnit
  if (before === undefined || now.atMs <= before.atMs) return roundUp(memory)
  const spanMs = now.atMs - before.atMs
  const busy = (now.cpuMs - before.cpuMs) / spanMs / targetUse
  const throttled = (now.throttledMs - before.throttledMs) / spanMs
  const refaulted = ((now.refaultedBytes - before.refaultedBytes) * 1000) / spanMs
  // How much more it would have used is not known: twice as much, and the next reading tells.
  const isShort = throttled > throttledTooLong || refaulted > refaultsTooMany
  return roundUp(Math.max(busy, memory, isShort ? units * 2 : 0))
}

function withPeak(peaks: readonly Peak[], peak: Peak): Peak[] {
  const oldest = peak.stretch - lookBackMs / stretchMs
  const recent = peaks.filter(({ stretch }) => stretch >= oldest)
  const last = recent.at(-1)
  if (last?.stretch !== peak.stretch) return [...recent, peak]
  return [...recent.slice(0, -1), { ...peak, units: Math.max(peak.units, last.units) }]
}

/** To the next quarter. */
const roundUp = (units: number): number => Math.ceil(units / quarter - 1e-9) * quarter

const inBounds = (units: number, { min, max }: SizeBounds): number =>
  Math.min(Math.max(units, min), max)

/** When a compute was awake, frozen and asleep, read off its ledger. */
import type { AwakeEvent, EndpointAwake } from '@coppice/api'

import { clampTo, type TimeView } from '../../ui/time-view.ts'

export type LaneState = 'awake' | 'frozen' | 'asleep'

export interface Segment {
  fromMs: number
  toMs: number
  state: LaneState
  /** What has begun it; undefined where the ledger does not reach back that far. */
  begunBy: AwakeEvent | undefined
  /** What has ended it; undefined while it goes on. */
  endedBy: AwakeEvent | undefined
}

const states: Readonly<Record<AwakeEvent['event'], LaneState | undefined>> = {
  woke: 'awake',
  frozen: 'frozen',
  slept: 'asleep',
  stayed_awake: undefined,
}

type Told = Pick<EndpointAwake, 'current_state' | 'frozen' | 'events'>

/** Oldest first, cut to the window. What the ledger does not say is left out. */
export function segmentsOf(told: Told, window: TimeView): Segment[] {
  const changes = told.events.filter(({ event }) => event !== 'stayed_awake').toReversed()
  const segments: Segment[] = []
  const add = (segment: Segment): void => {
    const fromMs = clampTo(window, segment.fromMs)
    const toMs = clampTo(window, segment.toMs)
    if (toMs > fromMs) segments.push({ ...segment, fromMs, toMs })
  }
  const first = changes[0]
  if (first === undefined) {
    add({ ...window, state: stateNow(told), begunBy: undefined, endedBy: undefined })
    return segments
  }
  const before = first.after && states[first.after]
  if (before !== undefined) {
    const toMs = Date.parse(first.at)
    const fromMs = toMs - (first.duration_seconds ?? 0) * 1000
    add({ fromMs, toMs, state: before, begunBy: undefined, endedBy: first })
  }
  for (const [at, change] of changes.entries()) {
    const next = changes[at + 1]
    const toMs = next === undefined ? window.toMs : Date.parse(next.at)
    const state = states[change.event] ?? 'asleep'
    add({ fromMs: Date.parse(change.at), toMs, state, begunBy: change, endedBy: next })
  }
  return segments
}

function stateNow({ current_state, frozen }: Told): LaneState {
  if (current_state !== 'active') return 'asleep'
  return frozen ? 'frozen' : 'awake'
}

export const secondsIn = (segments: readonly Segment[], state: LaneState): number =>
  segments
    .filter((segment) => segment.state === state)
    .reduce((sum, { fromMs, toMs }) => sum + (toMs - fromMs) / 1000, 0)

export interface DrawnSegment extends Segment {
  /** Whether it stands for several. */
  isMixed: boolean
}

/**
 * The same for drawing: what follows each other faster than that is one segment, in the state that it was
 * in the longest. A compute that freezes and thaws all day would be a thousand slivers.
 */
export function simplify(segments: readonly Segment[], leastMs: number): DrawnSegment[] {
  const drawn: DrawnSegment[] = []
  let run: Segment[] = []
  const end = (): void => {
    const [first] = run
    const last = run.at(-1)
    if (first === undefined || last === undefined) return
    const longest = (['awake', 'frozen', 'asleep'] as const)
      .map((state) => ({ state, seconds: secondsIn(run, state) }))
      .reduce((most, one) => (one.seconds > most.seconds ? one : most))
    const { toMs, endedBy } = last
    drawn.push({ ...first, toMs, endedBy, state: longest.state, isMixed: run.length > 1 })
    run = []
  }
  for (const segment of segments) {
    const isShort = segment.toMs - segment.fromMs < leastMs
    const before = run[0]
    if (before && (!isShort || segment.toMs - before.fromMs > leastMs)) end()
    run.push(segment)
    if (!isShort) end()
  }
  end()
  return drawn
}

import type { AwakeEvent } from '@coppice/api'

import type { Span } from '../../charts/timeline.ts'

/** A time awake, with the size that the compute had in it on the average. */
export interface Stretch extends Span {
  units: number
}

/**
 * Sizes over time, as the ledger has them: an entry for each sleep or freeze says how long the compute was
 * awake before it and how many compute units that took. `now` is the size in force.
 */
export function allocatedStretches(
  events: readonly AwakeEvent[],
  now: { atMs: number; units: number } | undefined,
): Stretch[] {
  const stretches: Stretch[] = []
  const [newest] = events.filter(({ event }) => event !== 'stayed_awake')
  if (now !== undefined && newest?.event === 'woke') {
    stretches.push({ fromMs: Date.parse(newest.at), toMs: now.atMs, units: now.units })
  }
  for (const { event, at, duration_seconds, compute_unit_seconds } of events) {
    const isEnd = event === 'slept' || event === 'frozen'
    if (!isEnd || duration_seconds === undefined || compute_unit_seconds === undefined) continue
    // Of less than a second nothing can be said.
    if (duration_seconds < 1) continue
    const toMs = Date.parse(at)
    const fromMs = toMs - duration_seconds * 1000
    stretches.push({ fromMs, toMs, units: compute_unit_seconds / duration_seconds })
  }
  return stretches.toReversed()
}

/** The size at each of some moments, which ascend as the stretches do; undefined where none is known. */
export function unitsAt(
  stretches: readonly Stretch[],
  times: readonly number[],
  toleranceMs: number,
): (number | undefined)[] {
  let at = 0
  return times.map((atMs) => {
    while ((stretches[at]?.toMs ?? Infinity) + toleranceMs < atMs) at += 1
    const stretch = stretches[at]
    return stretch !== undefined && stretch.fromMs - toleranceMs <= atMs ? stretch.units : undefined
  })
}

import type { PlatformSample } from '@coppice/api'

const dayMs = 86_400_000
/** From less than this nothing follows. */
const leastMs = 3_600_000

export interface PoolGrowth {
  /** Of what is in use; negative where it becomes less. */
  bytesPerDay: number
  /** Until no more than so much is free; undefined where it does not grow. */
  daysLeft: number | undefined
}

type Sample = Pick<PlatformSample, 'at' | 'pool_used_bytes' | 'pool_total_bytes'>

/** How fast the pool has filled in the time of the samples; undefined where that is too short. */
export function poolGrowth(
  samples: readonly Sample[],
  reserveBytes: number,
): PoolGrowth | undefined {
  const [first, last] = [samples[0], samples.at(-1)]
  if (first === undefined || last === undefined) return undefined
  const elapsedMs = Date.parse(last.at) - Date.parse(first.at)
  if (elapsedMs < leastMs) return undefined
  const bytesPerDay = ((last.pool_used_bytes - first.pool_used_bytes) * dayMs) / elapsedMs
  const room = last.pool_total_bytes - last.pool_used_bytes - reserveBytes
  return {
    bytesPerDay,
    daysLeft: bytesPerDay > 0 ? Math.max(0, room) / bytesPerDay : undefined,
  }
}

import type { ComputeStatus } from '@coppice/api'
import { useState } from 'react'

type Compute = Pick<ComputeStatus, 'endpoint_id' | 'cpu_seconds' | 'started_at'>

export interface CpuLook {
  atMs: number
  seconds: ReadonlyMap<string, number>
}

export const lookAt = (computes: readonly Compute[], atMs: number): CpuLook => ({
  atMs,
  seconds: new Map(
    computes.flatMap(({ endpoint_id, cpu_seconds }) =>
      cpu_seconds === undefined ? [] : [[endpoint_id, cpu_seconds]],
    ),
  ),
})

/**
 * How many processors each compute has used since the look before; since it began where there was none,
 * or where it has been started anew meanwhile.
 */
export function cpuRates(
  before: CpuLook | undefined,
  computes: readonly Compute[],
  atMs: number,
): ReadonlyMap<string, number> {
  return new Map(
    computes.flatMap(({ endpoint_id, cpu_seconds, started_at }): [string, number][] => {
      if (cpu_seconds === undefined || started_at === undefined) return []
      const known = before?.seconds.get(endpoint_id)
      const isKnown = before !== undefined && known !== undefined && known <= cpu_seconds
      const sinceMs = isKnown ? before.atMs : Date.parse(started_at)
      const elapsed = (atMs - sinceMs) / 1000
      return elapsed > 0 ? [[endpoint_id, (cpu_seconds - (isKnown ? known : 0)) / elapsed]] : []
    }),
  )
}

/** The same, from one answer of the platform to the next. */
export function useCpuRates(
  computes: readonly Compute[],
  atMs: number,
): ReadonlyMap<string, number> {
  const [looks, setLooks] = useState<{ before?: CpuLook; last: CpuLook }>(() => ({
    last: lookAt(computes, atMs),
  }))
  // During rendering, as React has it for what follows from an earlier one: it begins anew at once.
  if (looks.last.atMs !== atMs) setLooks({ before: looks.last, last: lookAt(computes, atMs) })
  return cpuRates(looks.before, computes, atMs)
}

import { useSearchParams } from 'react-router'

import type { Span } from '../../charts/timeline.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** Until now. Samples are kept for 14 days. */
export const periods = {
  '15m': { label: '15 min', ms: 15 * minuteMs },
  '1h': { label: '1 hour', ms: hourMs },
  '6h': { label: '6 hours', ms: 6 * hourMs },
  '24h': { label: '24 hours', ms: dayMs },
  '2d': { label: '2 days', ms: 2 * dayMs },
  '7d': { label: '7 days', ms: 7 * dayMs },
  '14d': { label: '14 days', ms: 14 * dayMs },
} as const

export type Period = keyof typeof periods

export interface PeriodChoice {
  period: Period
  /** A part of the past that was zoomed into; undefined while the page goes along with the time. */
  zoomed: Span | undefined
  choosePeriod: (period: Period) => void
  zoom: (range: Span | undefined) => void
}

/** The time of the address, so that a link leads to it: so long until now, or from one moment to another. */
export function usePeriod(): PeriodChoice {
  const [params, setParams] = useSearchParams()
  const named = params.get('period')
  const period = (Object.keys(periods) as Period[]).find((one) => one === named) ?? '1h'
  const [fromMs, toMs] = ['from', 'to'].map((name) => Date.parse(params.get(name) ?? ''))
  const set = (change: Record<string, string | undefined>): void =>
    setParams(
      (before) => {
        const after = new URLSearchParams(before)
        for (const [name, value] of Object.entries(change)) {
          if (value === undefined) after.delete(name)
          else after.set(name, value)
        }
        return after
      },
      { replace: true },
    )
  return {
    period,
    zoomed:
      fromMs !== undefined && toMs !== undefined && fromMs < toMs ? { fromMs, toMs } : undefined,
    choosePeriod: (chosen) => set({ period: chosen, from: undefined, to: undefined }),
    zoom: (range) =>
      set({
        from: range && new Date(Math.round(range.fromMs)).toISOString(),
        to: range && new Date(Math.round(range.toMs)).toISOString(),
      }),
  }
}

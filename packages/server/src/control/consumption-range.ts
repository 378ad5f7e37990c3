import type { ConsumptionGranularity } from '@coppice/api'

import { AppError } from '../lib/errors.ts'
import { endOfTimeframe, hourMs, startOfMonth, startOfTimeframe } from './usage-period.ts'

export interface ConsumptionRange {
  granularity: ConsumptionGranularity
  /** The beginning of the first timeframe. */
  from: Date
  /** Timeframes that begin from here on are left out. */
  to: Date
}

/** How far back each granularity goes, counted from now. */
const lookBack = {
  hourly: { text: 'the last 168 hours', start: (now: Date) => hoursBefore(now, 168) },
  daily: { text: 'the last 60 days', start: (now: Date) => hoursBefore(now, 60 * 24) },
  monthly: { text: 'the last year', start: (now: Date) => startOfMonth(now, -12) },
} as const

const hoursBefore = (now: Date, hours: number): Date => new Date(now.getTime() - hours * hourMs)

/**
 * The range of a history. `from` is rounded down to its timeframe; the timeframe that `to` lies in is the
 * last. Rejects with AppError `outside_consumption_history`.
 */
export function consumptionRange(
  query: { granularity: ConsumptionGranularity; from: string; to: string },
  now: Date,
): ConsumptionRange {
  const { granularity } = query
  const [from, to] = [new Date(query.from), new Date(query.to)]
  const start = startOfTimeframe(granularity, from)
  const { text, start: earliest } = lookBack[granularity]
  if (start < startOfTimeframe(granularity, earliest(now))) {
    throw outside(`from: ${granularity} consumption is known for ${text}, not from ${query.from}`)
  }
  if (from > now) throw outside(`from: ${query.from} is in the future`)
  if (to <= from) throw outside(`to: ${query.to} is not after from, ${query.from}`)
  return { granularity, from: start, to: to < now ? to : now }
}

/** The beginnings of a range's timeframes, from a moment on. */
export function timeframesOf({ granularity, from, to }: ConsumptionRange, since: Date): Date[] {
  const starts: Date[] = []
  const first = startOfTimeframe(granularity, since > from ? since : from)
  for (let at = first; at < to; at = endOfTimeframe(granularity, at)) starts.push(at)
  return starts
}

const outside = (message: string): AppError => new AppError('outside_consumption_history', message)

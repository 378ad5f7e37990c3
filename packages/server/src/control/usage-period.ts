/**
 * Consumption periods: calendar months in UTC. Months also are the largest timeframes of a history, so
 * what cuts time into pieces is here.
 */
import { createHash } from 'node:crypto'

import type { ConsumptionGranularity } from '@coppice/api'

/** The beginning of the month that a moment lies in, or of one so many months later. */
export function startOfMonth(moment: Date, later = 0): Date {
  return new Date(Date.UTC(moment.getUTCFullYear(), moment.getUTCMonth() + later, 1))
}

export const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** The beginning of the timeframe that a moment lies in. */
export function startOfTimeframe(granularity: ConsumptionGranularity, moment: Date): Date {
  if (granularity === 'monthly') return startOfMonth(moment)
  const lengthMs = granularity === 'hourly' ? hourMs : dayMs
  return new Date(Math.floor(moment.getTime() / lengthMs) * lengthMs)
}

/** The end of the timeframe that begins at a moment. */
export function endOfTimeframe(granularity: ConsumptionGranularity, start: Date): Date {
  if (granularity === 'monthly') return startOfMonth(start, 1)
  return new Date(start.getTime() + (granularity === 'hourly' ? hourMs : dayMs))
}

/** A period's id: the same for the same month of a platform, and in the form of a UUID (RFC 9562, 8). */
export function periodId(platformId: string, start: Date): string {
  const hash = createHash('sha256').update(`${platformId} ${start.toISOString()}`).digest('hex')
  const variant = '89ab'[parseInt(hash[16] ?? '0', 16) % 4]
  return [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `8${hash.slice(13, 16)}`,
    `${variant}${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ].join('-')
}

import type { PeriodUsage } from './store/usage.ts'
import { startOfMonth } from './usage-period.ts'

/** Neon's counters of the current period. What was last counted in another one is over: zero. */
export function usageCounters(usage: PeriodUsage | null, now: Date) {
  const current = isOfPeriod(usage, now) ? usage : undefined
  return {
    cpu_used_sec: seconds(current?.cpu_ms),
    compute_time_seconds: seconds(current?.compute_ms),
    active_time_seconds: seconds(current?.active_ms),
    written_data_bytes: current?.written_data_bytes ?? 0,
    data_transfer_bytes: current?.data_transfer_bytes ?? 0,
  }
}

/** Whether the counters belong to the period that a moment lies in. */
export function isOfPeriod<Usage extends PeriodUsage>(
  usage: Usage | null,
  now: Date,
): usage is Usage {
  return usage?.period_start === startOfMonth(now).toISOString()
}

export const seconds = (ms = 0): number => Math.round(ms / 1000)

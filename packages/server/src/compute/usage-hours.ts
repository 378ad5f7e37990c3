/** What a compute has used. Times are in milliseconds; one compute unit for a second is 1000. */
export interface UsageCounters {
  activeMs: number
  /** Active time by size: compute units × milliseconds. */
  computeMs: number
  cpuMs: number
  /** Of WAL. */
  writtenBytes: number
  /** To clients, through the gateway. */
  sentBytes: number
}

/** Counters by the beginning of their hour, in ISO format. */
export type UsageHours = Map<string, UsageCounters>

export const hourMs = 3_600_000

export const noUsage: Readonly<UsageCounters> = {
  activeMs: 0,
  computeMs: 0,
  cpuMs: 0,
  writtenBytes: 0,
  sentBytes: 0,
}

const counterNames = ['activeMs', 'computeMs', 'cpuMs', 'writtenBytes', 'sentBytes'] as const

export const hourOf = (atMs: number): string =>
  new Date(Math.floor(atMs / hourMs) * hourMs).toISOString()

/**
 * Adds what was used between two moments, in ms since the epoch. What spans several hours is shared out
 * among them by their part of the time, in whole numbers that add up to the whole.
 */
export function addUsage(
  hours: UsageHours,
  { fromMs, toMs }: { fromMs: number; toMs: number },
  used: Partial<UsageCounters>,
): void {
  const startMs = Math.min(fromMs, toMs)
  const shareUntil = (total: number, momentMs: number): number =>
    Math.round(momentMs >= toMs ? total : (total * (momentMs - startMs)) / (toMs - startMs))
  let atMs = startMs
  do {
    const endMs = Math.min(toMs, (Math.floor(atMs / hourMs) + 1) * hourMs)
    const counters = countersOf(hours, hourOf(atMs))
    for (const name of counterNames) {
      const total = used[name] ?? 0
      const before = atMs === startMs ? 0 : shareUntil(total, atMs)
      counters[name] += shareUntil(total, endMs) - before
    }
    atMs = endMs
  } while (atMs < toMs)
}

function countersOf(hours: UsageHours, hour: string): UsageCounters {
  let counters = hours.get(hour)
  if (counters === undefined) {
    counters = { ...noUsage }
    hours.set(hour, counters)
  }
  return counters
}

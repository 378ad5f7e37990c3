/** Months as periods of consumption have them: in UTC. */

const dayMs = 86_400_000
/** How far back consumption is told day by day, and month by month. */
const daysKept = 60
const monthsKept = 12

export interface Month {
  /** `2026-11`, as the API takes it. */
  name: string
  start: Date
  end: Date
}

export function monthOf(moment: Date, later = 0): Month {
  const at = (more: number): Date =>
    new Date(Date.UTC(moment.getUTCFullYear(), moment.getUTCMonth() + later + more, 1))
  return { name: at(0).toISOString().slice(0, 7), start: at(0), end: at(1) }
}

/** From the running one back to the one that a project was made in, a year at most. */
export function monthsSince(since: Date, now: Date): Month[] {
  const all = Array.from({ length: monthsKept }, (_, back) => monthOf(now, -back))
  return all.filter(({ end }) => end > since)
}

/** What of a month is told day by day; undefined where none of it is any more. */
export function daysOf({ start, end }: Month, now: Date): { from: Date; to: Date } | undefined {
  const earliest = Math.floor(now.getTime() / dayMs) * dayMs - (daysKept - 1) * dayMs
  const from = new Date(Math.max(start.getTime(), earliest))
  const to = new Date(Math.min(end.getTime(), now.getTime()))
  return from < to ? { from, to } : undefined
}

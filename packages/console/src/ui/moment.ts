/** A moment of a branch's past: by the clock, or by its place in the WAL. */
import { localText } from './time-view.ts'

export type Moment =
  /** `iso` may be finer than `ms`. */
  { kind: 'time'; ms: number; iso: string } | { kind: 'lsn'; lsn: string }

const units: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
}
const relative = /^(\d+(?:\.\d+)?)\s*(s|m|h|d|w)(?:ec|in|our|ay|eek|econd|inute)?s?(?:\s+ago)?$/i
const clock = /^\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?$/
const date =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?))?\s*(Z|[+-]\d{2}:?\d{2})?$/i

export const momentAt = (ms: number): Moment => ({
  kind: 'time',
  ms,
  iso: new Date(ms).toISOString(),
})

/**
 * What a person types: an LSN, a time with or without date and zone, `5 min ago`, `now`. Without a zone
 * it is the reader's own. Undefined for what is none of these.
 */
export function parseMoment(typed: string, nowMs: number): Moment | undefined {
  const text = typed.trim()
  if (/^[0-9a-f]{1,8}\/[0-9a-f]{1,8}$/i.test(text)) return { kind: 'lsn', lsn: text.toUpperCase() }
  if (/^now$/i.test(text)) return momentAt(nowMs)
  const [, count, unit = ''] = relative.exec(text) ?? []
  const unitMs = units[unit.toLowerCase()]
  if (count !== undefined && unitMs !== undefined) return momentAt(nowMs - Number(count) * unitMs)
  if (clock.test(text)) return lastAt(text, nowMs)
  return parseDate(text)
}

/** The last time that the clock said so. */
function lastAt(time: string, nowMs: number): Moment | undefined {
  const today = parseDate(`${localText(nowMs).slice(0, 10)} ${time}`)
  if (today?.kind !== 'time' || today.ms <= nowMs) return today
  return momentAt(today.ms - 86_400_000)
}

function parseDate(text: string): Moment | undefined {
  const [, day, time = '00:00', zone = ''] = date.exec(text) ?? []
  if (day === undefined) return undefined
  const iso = `${day}T${time.padStart(time.indexOf(':') === 1 ? time.length + 1 : 0, '0')}${zone}`
  const ms = Date.parse(iso)
  if (Number.isNaN(ms)) return undefined
  // Finer than milliseconds, as PostgreSQL tells times, it is passed on as it is.
  const isFiner = /\.\d{4,}/.test(time) && zone !== ''
  return isFiner ? { kind: 'time', ms, iso } : momentAt(ms)
}

/** As the field shows it. */
export const momentText = (moment: Moment): string =>
  moment.kind === 'lsn' ? moment.lsn : localText(moment.ms)

/** As the address has it; `parseMoment` reads it. */
export const momentParam = (moment: Moment): string =>
  moment.kind === 'lsn' ? moment.lsn : moment.iso

/** As queries and snapshots take it. */
export const momentFields = (moment: Moment): { timestamp: string } | { lsn: string } =>
  moment.kind === 'lsn' ? { lsn: moment.lsn } : { timestamp: moment.iso }

interface Point {
  ms: number
  lsn: string
}

/**
 * When a branch was at a place of its WAL, about: between two known points WAL is taken to have been
 * written evenly. Undefined where nothing is known.
 */
export function msOfLsn(lsn: string, points: readonly Point[]): number | undefined {
  const wanted = lsnNumber(lsn)
  const known = points
    .map(({ ms, lsn: at }) => ({ ms, bytes: lsnNumber(at) }))
    .toSorted((a, b) => a.bytes - b.bytes || a.ms - b.ms)
  const before = known.findLast(({ bytes }) => bytes <= wanted)
  const after = known.find(({ bytes }) => bytes >= wanted)
  if (before === undefined || after === undefined) return (before ?? after)?.ms
  if (after.bytes === before.bytes) return before.ms
  const share = (wanted - before.bytes) / (after.bytes - before.bytes)
  return before.ms + share * (after.ms - before.ms)
}

/** Exact below 2^53, which is petabytes of WAL. */
function lsnNumber(lsn: string): number {
  const [high = '0', low = '0'] = lsn.split('/')
  return Number.parseInt(high, 16) * 2 ** 32 + Number.parseInt(low, 16)
}

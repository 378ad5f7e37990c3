import { InvalidArgumentError } from 'commander'

const secondsByUnit: Record<string, number | undefined> = {
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
}

/** A moment: RFC 3339, or a span from now such as `12h` or `7d`. Answers RFC 3339 in UTC. */
export function parseMoment(text: string): string {
  const span = parseSpan(text)
  const at = span === undefined ? Date.parse(text) : Date.now() + span * 1000
  if (Number.isNaN(at)) {
    throw new InvalidArgumentError('Give a time (2030-01-31T12:00:00Z) or a span (12h, 7d).')
  }
  return new Date(at).toISOString()
}

/** Seconds: a number, or a span such as `12h` or `7d`. */
export function parseSeconds(text: string): number {
  const seconds = parseSpan(text) ?? (/^\d+$/.test(text) ? Number(text) : undefined)
  if (seconds === undefined) throw new InvalidArgumentError('Give seconds or a span (12h, 7d).')
  return seconds
}

/** Milliseconds: `500ms`, `3s`, `5m`, or seconds as a number. */
export function parseMillis(text: string): number {
  const [, count] = /^(\d+)ms$/.exec(text) ?? []
  if (count !== undefined) return Number(count)
  const seconds = parseSpan(text) ?? (/^\d+$/.test(text) ? Number(text) : undefined)
  if (seconds === undefined) throw new InvalidArgumentError('Give a time such as 500ms, 3s or 5m.')
  return seconds * 1000
}

/** A position in the WAL as PostgreSQL writes it. */
export const lsnPattern = /^[0-9a-f]{1,8}\/[0-9a-f]{1,8}$/i

export function parseLsn(text: string): string {
  if (lsnPattern.test(text)) return text
  throw new InvalidArgumentError('Give a position in the WAL, as 0/16B3748.')
}

/** A parser of whole numbers of a range. */
export function parseWhole(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = Number(text)
    if (/^\d+$/.test(text) && number >= min && number <= max) return number
    throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`)
  }
}

/** A whole number from 1 up. */
export function parseCount(text: string): number {
  const count = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(count) && count > 0) return count
  throw new InvalidArgumentError('Give a whole number from 1 up.')
}

const bytesByUnit: Record<string, number | undefined> = {
  '': 1,
  b: 1,
  kb: 1024,
  mb: 1024 ** 2,
  gb: 1024 ** 3,
  tb: 1024 ** 4,
}

/** Bytes: a number, or one with PostgreSQL's units, as `64MB`. */
export function parseBytes(text: string): number {
  const [, count, unit = ''] = /^(\d+) ?([kmgt]?b)?$/i.exec(text) ?? []
  const bytes = Number(count) * (bytesByUnit[unit.toLowerCase()] ?? NaN)
  if (Number.isSafeInteger(bytes)) return bytes
  throw new InvalidArgumentError('Give bytes, or a size such as 64MB.')
}

/** A TCP port. Not 0: connection strings carry the number from one start to the next. */
export function parsePort(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port
  throw new InvalidArgumentError('Give a port from 1 to 65535.')
}

function parseSpan(text: string): number | undefined {
  const [, count, unit] = /^(\d+)([smhdw])$/.exec(text) ?? []
  const unitSeconds = unit === undefined ? undefined : secondsByUnit[unit]
  return unitSeconds === undefined ? undefined : Number(count) * unitSeconds
}

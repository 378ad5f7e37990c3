/** What a query of logs asks for: its window, its filters, its place. */
import { createHash } from 'node:crypto'

import type { LogRecord, LogSeverity, LogsQuery } from '@coppice/api'

import { AppError } from '../lib/errors.ts'
import { parseLogql } from './logql.ts'

/** In ms since the epoch; the end is not part of it. */
export interface LogWindow {
  startMs: number
  endMs: number
}

const maxWindowMs = 7 * 86_400_000

const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** The window, by default so long before `now`. Rejects with AppError `invalid_request`. */
export function logWindow(
  asked: { since?: string; start_time?: string; end_time?: string },
  defaultMs: number,
  now: number,
): LogWindow {
  const { since, start_time, end_time } = asked
  if (since !== undefined && start_time !== undefined) {
    throw invalid('conflicting_time_range', 'give since or start_time, not both')
  }
  const endMs = end_time === undefined ? now : Date.parse(end_time)
  const lengthMs = since === undefined ? defaultMs : durationMs(since)
  const startMs = start_time === undefined ? endMs - lengthMs : Date.parse(start_time)
  if (startMs >= endMs) throw invalid('invalid_time_range', 'end_time must be after start_time')
  if (endMs - startMs > maxWindowMs) {
    throw invalid('time_range_too_large', 'a query covers at most 7 days (7d)')
  }
  return { startMs, endMs }
}

function durationMs(text: string): number {
  const [, count, unit = ''] = /^(\d+)(\D+)$/.exec(text) ?? []
  return Number(count) * (unitMs[unit] ?? 0)
}

/** OpenTelemetry's number of the lowest severity of each name. */
const severityNumbers: Record<LogSeverity, number> = {
  trace: 1,
  debug: 5,
  info: 9,
  warn: 13,
  error: 17,
  fatal: 21,
}

const contentFilters = [
  'source',
  'service_name',
  'scope_name',
  'minimum_severity',
  'severity_text',
  'body_contains',
  'trace_id',
] as const

/** Whether a record is asked for. Rejects with AppError `invalid_request`. */
export function logFilter(query: LogsQuery): (record: LogRecord) => boolean {
  if (query.logql !== undefined) {
    const other = contentFilters.find((name) => query[name] !== undefined)
    if (other === undefined) return parseLogql(query.logql)
    throw invalid('conflicting_filters', `logql replaces the other filters; leave ${other} out`)
  }
  const { source, service_name, severity_text, body_contains, minimum_severity } = query
  const lowest = minimum_severity === undefined ? 0 : severityNumbers[minimum_severity]
  // PostgreSQL's records have no scope and belong to no trace.
  const isNever = query.scope_name !== undefined || query.trace_id !== undefined
  return (record) =>
    !isNever &&
    (source === undefined || record.source === source) &&
    (service_name === undefined || record.service_name === service_name) &&
    (severity_text === undefined || record.severity_text === severity_text) &&
    (record.severity_number ?? 0) >= lowest &&
    (body_contains === undefined || record.message.includes(body_contains))
}

/** Where a record stands among those of its branch: no two have the same place. */
export interface LogPlace {
  atMs: number
  entityId: string
  /** Among those of the endpoint with the same time. */
  ordinal: number
}

export function comparePlaces(one: LogPlace, other: LogPlace): number {
  if (one.atMs !== other.atMs) return one.atMs - other.atMs
  if (one.entityId !== other.entityId) return one.entityId < other.entityId ? -1 : 1
  return one.ordinal - other.ordinal
}

/** Where a page ended. It keeps the window, which `since` would move on. */
export interface LogCursor {
  window: LogWindow
  place: LogPlace
}

export function encodeLogCursor(query: LogsQuery, { window, place }: LogCursor): string {
  const { startMs, endMs } = window
  const { atMs, entityId, ordinal } = place
  const parts = [fingerprint(query), startMs, endMs, atMs, entityId, ordinal]
  return Buffer.from(JSON.stringify(parts)).toString('base64url')
}

/** Rejects with AppError `invalid_request` for what no page of this query has ended with. */
export function decodeLogCursor(query: LogsQuery, cursor: string): LogCursor {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    if (Array.isArray(parts) && parts.length === 6 && parts[0] === fingerprint(query)) {
      const [startMs, endMs, atMs, entityId, ordinal]: unknown[] = parts.slice(1)
      if (
        isNumber(startMs) &&
        isNumber(endMs) &&
        isNumber(atMs) &&
        isNumber(ordinal) &&
        typeof entityId === 'string'
      ) {
        return { window: { startMs, endMs }, place: { atMs, entityId, ordinal } }
      }
    }
  } catch {
    // Not JSON: the same answer as for a cursor of the wrong shape.
  }
  throw invalid(
    'invalid_cursor',
    'the cursor is not one that this query answered; repeat its filters and its time range',
  )
}

const isNumber = (value: unknown): value is number => Number.isInteger(value)

/** Of all that must not change from one page to the next. */
function fingerprint(query: LogsQuery): string {
  const entries = Object.entries(query)
    .filter(([name]) => name !== 'cursor' && name !== 'limit')
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(entries)).digest('base64url').slice(0, 16)
}

export function invalid(reason: string, message: string): AppError {
  return new AppError('invalid_request', message, { reason })
}

import { type Static, Type } from 'typebox'

import { Timestamp } from './ids.ts'

/** Neon's three; here only computes write logs. */
export const LogSource = Type.Union([
  Type.Literal('function'),
  Type.Literal('storage'),
  Type.Literal('pg_endpoint'),
])

export const LogSeverity = Type.Union([
  Type.Literal('trace'),
  Type.Literal('debug'),
  Type.Literal('info'),
  Type.Literal('warn'),
  Type.Literal('error'),
  Type.Literal('fatal'),
])
export type LogSeverity = Static<typeof LogSeverity>

/** A count and a unit: `30m`, `6h`, `7d`. */
export const LogDuration = Type.String({ pattern: '^[0-9]{1,9}(ms|s|m|h|d)$' })

export const LogLimit = Type.Integer({ minimum: 1, maximum: 1000 })

/** The window of a query; `since` and `start_time` exclude each other. */
export const LogWindow = {
  since: Type.Optional(LogDuration),
  start_time: Type.Optional(Timestamp),
  end_time: Type.Optional(Timestamp),
}

const FilterText = Type.String({ maxLength: 1024 })

export const LogsQuery = Type.Object({
  ...LogWindow,
  limit: Type.Optional(LogLimit),
  cursor: Type.Optional(Type.String({ maxLength: 1024 })),
  sort_order: Type.Optional(Type.Union([Type.Literal('asc'), Type.Literal('desc')])),
  source: Type.Optional(LogSource),
  service_name: Type.Optional(FilterText),
  scope_name: Type.Optional(FilterText),
  minimum_severity: Type.Optional(LogSeverity),
  severity_text: Type.Optional(FilterText),
  body_contains: Type.Optional(FilterText),
  trace_id: Type.Optional(Type.String({ pattern: '^[0-9a-f]{32}$' })),
  logql: Type.Optional(Type.String({ maxLength: 4096 })),
})
export type LogsQuery = Static<typeof LogsQuery>

export const LogFieldValuesQuery = Type.Object({
  ...LogWindow,
  source: Type.Optional(LogSource),
  limit: Type.Optional(LogLimit),
})
export type LogFieldValuesQuery = Static<typeof LogFieldValuesQuery>

/** Under OpenTelemetry's names, as Neon has them. */
export const LogRecord = Type.Object({
  timestamp: Timestamp,
  message: Type.String(),
  source: LogSource,
  /** The endpoint. */
  entity_id: Type.String(),
  service_name: Type.String(),
  severity_number: Type.Optional(Type.Integer({ minimum: 0, maximum: 24 })),
  /** PostgreSQL's own word: `LOG`, `ERROR`. */
  severity_text: Type.Optional(Type.String()),
  attributes: Type.Record(Type.String(), Type.Unknown()),
})
export type LogRecord = Static<typeof LogRecord>

import { type Static, Type } from 'typebox'

import { Timestamp } from './ids.ts'

/** SQL to be run on a database of a branch, as it is or as it was. */
export const QueryRequest = Type.Object({
  /** One or several statements, each its own transaction unless they say BEGIN; the first that fails is the last. */
  sql: Type.String({ minLength: 1, maxLength: 900_000 }),
  db_name: Type.String({ minLength: 1, maxLength: 63 }),
  /** Who runs it; the database's owner unless given. */
  role_name: Type.Optional(Type.String({ minLength: 1, maxLength: 63 })),
  /** A moment of the past; what is there can only be read. */
  timestamp: Type.Optional(Timestamp),
  lsn: Type.Optional(Type.String({ pattern: '^[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}$' })),
  /** Whether transactions are READ ONLY unless they say otherwise. */
  read_only: Type.Optional(Type.Boolean()),
  /** Until a statement is given up; ten minutes unless given. */
  timeout_seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400 })),
  /**
   * `false` is for looking: it neither wakes the compute nor keeps it awake, and while it sleeps or is
   * frozen the answer is `wake_refused`.
   */
  wake: Type.Optional(Type.Boolean()),
})
export type QueryRequest = Static<typeof QueryRequest>

export const QueryColumn = Type.Object({
  name: Type.String(),
  /** As PostgreSQL writes it: `integer`, `character varying(20)`, `text[]`. */
  type: Type.String(),
  type_id: Type.Integer(),
  /** Of the table that the column is of, with the column's number in it; 0 where it is of none. */
  table_id: Type.Integer(),
  column_number: Type.Integer(),
})
export type QueryColumn = Static<typeof QueryColumn>

/** The fields of an ErrorResponse or NoticeResponse (PostgreSQL manual, "Error and Notice Message Fields"). */
const Report = {
  severity: Type.String(),
  /** SQLSTATE. */
  code: Type.String(),
  message: Type.String(),
  detail: Type.Optional(Type.String()),
  hint: Type.Optional(Type.String()),
  where: Type.Optional(Type.String()),
  schema: Type.Optional(Type.String()),
  table: Type.Optional(Type.String()),
  column: Type.Optional(Type.String()),
  constraint: Type.Optional(Type.String()),
}

const statement = Type.Integer({ minimum: 0 })

/**
 * One line of the answer. Statements are numbered from 0; each begins with `statement` and ends with
 * `complete` or `error`. The last line is `end`: without it the answer was cut off.
 */
export const QueryLine = Type.Union([
  /** Where the statement stands in the text, in UTF-16 code units, without its semicolon. */
  Type.Object({
    type: Type.Literal('statement'),
    statement,
    start: Type.Integer(),
    end: Type.Integer(),
  }),
  Type.Object({ type: Type.Literal('columns'), statement, columns: Type.Array(QueryColumn) }),
  /** Values as PostgreSQL writes them, whatever their type; null for NULL. */
  Type.Object({
    type: Type.Literal('rows'),
    statement,
    rows: Type.Array(Type.Array(Type.Union([Type.String(), Type.Null()]))),
  }),
  Type.Object({ type: Type.Literal('notice'), statement, ...Report }),
  Type.Object({
    type: Type.Literal('complete'),
    statement,
    /** The command's name: `SELECT`, `CREATE TABLE`. */
    command: Type.String(),
    /** Null for commands that count none. */
    row_count: Type.Union([Type.Integer(), Type.Null()]),
    duration_ms: Type.Number(),
  }),
  Type.Object({
    type: Type.Literal('error'),
    statement,
    ...Report,
    /** In the whole text, in UTF-16 code units from 0. */
    position: Type.Optional(Type.Integer()),
    duration_ms: Type.Number(),
  }),
  Type.Object({ type: Type.Literal('end'), duration_ms: Type.Number() }),
])
export type QueryLine = Static<typeof QueryLine>

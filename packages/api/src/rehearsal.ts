import { type Static, Type } from 'typebox'

import { Id, Timestamp, Uuid } from './ids.ts'

/** Milliseconds and bytes; a database that shrinks writes negative growth. */
const Figure = Type.Number({ minimum: -1e15, maximum: 1e15 })
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const OrNull = <T extends ReturnType<typeof Type.String | typeof Type.Number>>(schema: T) =>
  Type.Union([schema, Type.Null()])

export const LockReport = Type.Object({
  relation: Type.String(),
  mode: Type.String(),
  /** Until the end of its transaction. */
  held_ms: Figure,
  holds_up: Type.String(),
})
export type LockReport = Static<typeof LockReport>

export const SizedRelation = Type.Object({ relation: Type.String(), bytes: Figure })
export type SizedRelation = Static<typeof SizedRelation>

export const StatementReport = Type.Object({
  line: Count,
  sql: Type.String(),
  /** PostgreSQL's word for it: `ALTER TABLE`. */
  command: Type.String(),
  duration_ms: Figure,
  /** By its command tag; null where that has no number. */
  rows: OrNull(Type.Number()),
  wal_bytes: Figure,
  /** By which the database grew, before what it replaces is given back at the commit. */
  disk_bytes: Figure,
  /** On tables that were there before, the strongest of each. */
  locks: Type.Array(LockReport),
  rewritten: Type.Array(SizedRelation),
  indexes_built: Type.Array(SizedRelation),
  /** Tables that were read from end to end. */
  scanned: Type.Array(Type.String()),
})
export type StatementReport = Static<typeof StatementReport>

export const FileReport = Type.Object({
  name: Type.String(),
  transactional: Type.Boolean(),
  duration_ms: Figure,
  statements: Type.Array(StatementReport),
})
export type FileReport = Static<typeof FileReport>

/** A recorded query whose plan is another after the migration, or that fails then. */
export const PlanChange = Type.Object({
  query: Type.String(),
  calls: Type.Number(),
  before: Type.String(),
  /** Null: it fails. */
  after: OrNull(Type.String()),
  cost_before: Type.Number(),
  cost_after: OrNull(Type.Number()),
  error: OrNull(Type.String()),
})
export type PlanChange = Static<typeof PlanChange>

/** Something in a migration that can hurt, and how to write it without. */
export const Finding = Type.Object({
  file: Type.String(),
  line: Count,
  rule: Type.String(),
  /** Where it is about one. */
  table: Type.Optional(Type.String()),
  message: Type.String(),
  safer: Type.String(),
})
export type Finding = Static<typeof Finding>

export const LoadFigures = Type.Object({
  statements: Count,
  failed: Count,
  p50_ms: Figure,
  p99_ms: Figure,
  max_ms: Figure,
})
export type LoadFigures = Static<typeof LoadFigures>

/** What the statements that ran beside a rehearsal had to wait. */
export const LoadReport = Type.Object({
  connections: Count,
  before: LoadFigures,
  during: LoadFigures,
  /** The slowest during the migration, the slowest first. */
  slowest: Type.Array(
    Type.Object({
      sql: Type.String(),
      duration_ms: Figure,
      /** The statement of the migration that ran when this one began: `0002_roles.sql:14`. */
      beside: OrNull(Type.String()),
    }),
  ),
})
export type LoadReport = Static<typeof LoadReport>

/** What a rehearsal has seen. Times are in milliseconds, sizes in bytes. */
export const Rehearsal = Type.Object({
  /** The branch that it ran on; it is gone unless `kept`. */
  branch: Type.String(),
  source: Type.String(),
  kept: Type.Boolean(),
  files: Type.Array(FileReport),
  plans: Type.Array(PlanChange),
  /** How many of the recorded queries could be planned before and after. */
  plans_compared: Count,
  findings: Type.Array(Finding),
  load: Type.Union([LoadReport, Type.Null()]),
  /** The statement that failed, with its place. */
  error: OrNull(Type.String()),
})
export type Rehearsal = Static<typeof Rehearsal>

/** A report to be kept, of a rehearsal that was made elsewhere. */
export const RehearsalRecord = Type.Object({
  branch_id: Id,
  db_name: Type.String({ minLength: 1, maxLength: 63 }),
  report: Rehearsal,
})

/** What a list says of a rehearsal. */
export const RehearsalSummary = Type.Object({
  id: Uuid,
  /** The branch that it was for, which may be gone, and its name at that time. */
  branch_id: Id,
  branch_name: Type.String(),
  db_name: Type.String(),
  created_at: Timestamp,
  files: Type.Array(Type.String()),
  statements: Count,
  findings: Count,
  duration_ms: Figure,
  failed: Type.Boolean(),
})
export type RehearsalSummary = Static<typeof RehearsalSummary>

export const KeptRehearsal = Type.Object({
  ...RehearsalSummary.properties,
  report: Rehearsal,
})
export type KeptRehearsal = Static<typeof KeptRehearsal>

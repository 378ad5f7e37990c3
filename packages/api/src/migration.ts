import { type Static, Type } from 'typebox'

import { Branch } from './branch.ts'
import { Timestamp } from './ids.ts'
import { KeptRehearsal } from './rehearsal.ts'

const ObjectName = Type.String({ minLength: 1, maxLength: 63 })
const Definition = Type.Union([Type.String(), Type.Null()])

/** A database of the branch, and the role whose rights the work has: its owner unless given. */
export const DatabaseChoice = {
  db_name: ObjectName,
  role_name: Type.Optional(ObjectName),
}

export const SqlFile = Type.Object({
  /** By which `coppice.migrations` knows it; also says the order. */
  name: Type.String({ minLength: 1, maxLength: 200 }),
  sql: Type.String({ maxLength: 900_000 }),
})
export type SqlFile = Static<typeof SqlFile>

const Files = Type.Array(SqlFile, { minItems: 1, maxItems: 200 })

/** Told while the work goes on: a `note` has to be known, `progress` is for who watches. */
export const WorkLine = Type.Object({
  /** `alive`: nothing new, and nothing wrong either; comes where nothing else does. */
  type: Type.Union([Type.Literal('note'), Type.Literal('progress'), Type.Literal('alive')]),
  message: Type.String(),
})
export type WorkLine = Static<typeof WorkLine>

export const RehearseRequest = Type.Object({
  ...DatabaseChoice,
  files: Files,
  /** Also run files that come before one that has run. */
  allow_out_of_order: Type.Optional(Type.Boolean()),
  /** How long a statement may run; 0, as long as it takes, unless given. */
  statement_timeout_ms: Type.Optional(Type.Integer({ minimum: 0, maximum: 86_400_000 })),
})

/** The last line has the report, which is also kept. */
export const RehearseLine = Type.Union([
  WorkLine,
  Type.Object({ type: Type.Literal('result'), rehearsal: KeptRehearsal }),
])
export type RehearseLine = Static<typeof RehearseLine>

export const ApplyRequest = Type.Object({
  ...RehearseRequest.properties,
  /** Of a plan: nothing is applied where the schema is another by now. */
  schema_checksum: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })),
  /** How long a statement waits for its locks; 3000 unless given. */
  lock_timeout_ms: Type.Optional(Type.Integer({ minimum: 1, maximum: 3_600_000 })),
  /** How often it tries again to get them; 10 unless given. */
  retries: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
  /** Until when the restore point is kept as a snapshot; for seven days unless given. */
  keep_until: Type.Optional(Timestamp),
})

/** A file that has run. */
export const AppliedFile = Type.Object({
  name: Type.String(),
  statements: Type.Integer(),
  duration_ms: Type.Integer(),
})
export type AppliedFile = Static<typeof AppliedFile>

export const ApplyLine = Type.Union([
  WorkLine,
  Type.Object({
    type: Type.Literal('result'),
    applied: Type.Array(AppliedFile),
    /** By which the ledger knows it; null where nothing was pending. */
    restore_point: Type.Union([Type.String(), Type.Null()]),
  }),
])
export type ApplyLine = Static<typeof ApplyLine>

/** A line of the ledger. */
export const AppliedMigration = Type.Object({
  name: Type.String(),
  checksum: Type.String(),
  started_at: Timestamp,
  /** Null while it is not done: an apply was interrupted in it. */
  applied_at: Type.Union([Timestamp, Type.Null()]),
  applied_by: Type.String(),
  duration_ms: Type.Union([Type.Integer(), Type.Null()]),
  statements: Type.Integer(),
  statements_done: Type.Integer(),
  /** Null where none was made for it. */
  restore_point_id: Type.Union([Type.String(), Type.Null()]),
})
export type AppliedMigration = Static<typeof AppliedMigration>

/** Where the branch was before an apply. */
export const RestorePoint = Type.Object({
  id: Type.String(),
  taken_at: Timestamp,
  lsn: Type.String(),
  snapshot_id: Type.Union([Type.String(), Type.Null()]),
  /** Until when its snapshot is kept. */
  expires_at: Type.Union([Timestamp, Type.Null()]),
})
export type RestorePoint = Static<typeof RestorePoint>

export const MigrationLedger = Type.Object({
  /** The last begun first. */
  migrations: Type.Array(AppliedMigration),
  /** The point that undo goes back to; null where there is none. */
  restore_point: Type.Union([RestorePoint, Type.Null()]),
})
export type MigrationLedger = Static<typeof MigrationLedger>

/** What going back to a restore point takes away. */
export const Loss = Type.Object({
  /** Transactions that have written since, without those of the apply: at most so many. */
  transactions: Type.Integer(),
  /** Rows inserted, updated or deleted since by others than the apply, by table; those with none left out. */
  tables: Type.Array(Type.Object({ table: Type.String(), rows: Type.Integer() })),
  /** PostgreSQL has begun to count anew since, so more rows may have changed than are told. */
  is_lower_bound: Type.Boolean(),
})
export type Loss = Static<typeof Loss>

export const UndoPreview = Type.Object({
  restore_point: RestorePoint,
  /** Names of the migrations that would no longer be applied. */
  undone: Type.Array(Type.String()),
  lost: Loss,
  /** Databases that go back as well, for a branch does so as a whole. */
  other_databases: Type.Array(Type.String()),
  /** The branch that what is there now would be kept as. */
  preserved_as: Type.String(),
})
export type UndoPreview = Static<typeof UndoPreview>

export const UndoRequest = Type.Object({
  ...DatabaseChoice,
  /** The one that was previewed: nothing is undone where it is not the last any more. */
  restore_point_id: Type.String({ pattern: '^[0-9]{1,19}$' }),
  preserve_under_name: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
})

export const UndoAnswer = Type.Object({
  restored_branch: Branch,
  backup_branch: Branch,
  /** Names of the migrations that are no longer applied. */
  undone: Type.Array(Type.String()),
  lost: Loss,
})
export type UndoAnswer = Static<typeof UndoAnswer>

export const MergePlanRequest = Type.Object({
  ...DatabaseChoice,
  /**
   * The branch that is to be changed; the parent unless given. Any other is compared as it is, with nothing
   * said of what changed there.
   */
  into_branch_id: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
  /** What was renamed: `table.column` or `table`, and the name that it has now. */
  renames: Type.Optional(
    Type.Array(Type.Object({ from: Type.String(), to: Type.String() }), { maxItems: 1000 }),
  ),
  /** What was dropped and not renamed. */
  drops: Type.Optional(Type.Array(Type.String(), { maxItems: 1000 })),
})

/** A statement that was derived. */
export const DerivedStatement = Type.Object({
  sql: Type.String(),
  /** It takes an object away, if only to make it anew. */
  drops: Type.Boolean(),
})
export type DerivedStatement = Static<typeof DerivedStatement>

/** An object that both have changed, each in its own way. A definition is null where there is no object. */
export const MergeConflict = Type.Object({
  object: Type.String(),
  base: Definition,
  branch: Definition,
  parent: Definition,
})
export type MergeConflict = Static<typeof MergeConflict>

/** What a person has to write. A definition is null where there is no object. */
export const Remaining = Type.Object({
  object: Type.String(),
  is: Definition,
  should_be: Definition,
})
export type Remaining = Static<typeof Remaining>

/** What went, and what it may have become: to be answered by a rename or a drop. */
export const RenameQuestion = Type.Object({
  kind: Type.Union([Type.Literal('table'), Type.Literal('column')]),
  /** As `renames` and `drops` take it. */
  name: Type.String(),
  /** The names that it may have now. */
  candidates: Type.Array(Type.String()),
})
export type RenameQuestion = Static<typeof RenameQuestion>

/** What would make the schema of one branch that of another. */
export const MergePlan = Type.Object({
  branch_id: Type.String(),
  into_branch_id: Type.String(),
  /** What both have changed since they parted is told apart: so it is for a branch and its parent. */
  three_way: Type.Boolean(),
  /** While there are any, nothing else is planned. */
  questions: Type.Array(RenameQuestion),
  /** Where there are any, there are no statements. */
  conflicts: Type.Array(MergeConflict),
  /** Objects that both have changed in the same way. */
  alike: Type.Array(Type.String()),
  statements: Type.Array(DerivedStatement),
  /** What is not derived, and left to a person. */
  remaining: Type.Array(Remaining),
  /** The statements as what rehearsing and applying take. */
  files: Type.Array(SqlFile),
  /** Of the schema that the plan is for; null while there are questions. */
  schema_checksum: Type.Union([Type.String(), Type.Null()]),
})
export type MergePlan = Static<typeof MergePlan>

export const MergePlanLine = Type.Union([
  WorkLine,
  Type.Object({ type: Type.Literal('result'), plan: MergePlan }),
])
export type MergePlanLine = Static<typeof MergePlanLine>

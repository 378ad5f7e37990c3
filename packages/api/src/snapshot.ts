import { type Static, Type } from 'typebox'

import { Id, Timestamp } from './ids.ts'

/** Neon's own name for what has been found out about a snapshot; Coppice checks each in the background. */
export const SnapshotVerification = Type.Object({
  status: Type.Union([
    Type.Literal('pending'),
    Type.Literal('running'),
    Type.Literal('passed'),
    Type.Literal('failed'),
  ]),
  /** When the verdict was reached. */
  verified_at: Type.Optional(Timestamp),
  /** What was found, where it failed. */
  detail: Type.Optional(Type.String()),
})
export type SnapshotVerification = Static<typeof SnapshotVerification>

export const Snapshot = Type.Object({
  id: Id,
  name: Type.String(),
  slug: Type.Optional(Type.String()),
  lsn: Type.Optional(Type.String()),
  timestamp: Type.Optional(Timestamp),
  source_branch_id: Type.Optional(Id),
  created_at: Timestamp,
  expires_at: Type.Optional(Timestamp),
  manual: Type.Boolean(),
  /** Bytes of all databases as PostgreSQL counted them. */
  full_size: Type.Optional(Type.Integer()),
  /** Coppice's own. */
  verification: Type.Optional(SnapshotVerification),
})
export type Snapshot = Static<typeof Snapshot>

const SnapshotName = Type.String({ minLength: 1, maxLength: 256 })

/** Of the query of a creation: Neon takes no body there. */
export const SnapshotCreate = Type.Object({
  name: Type.Optional(SnapshotName),
  slug: Type.Optional(Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$' })),
  timestamp: Type.Optional(Timestamp),
  lsn: Type.Optional(Type.String()),
  expires_at: Type.Optional(Timestamp),
})
export type SnapshotCreate = Static<typeof SnapshotCreate>

export const SnapshotUpdate = Type.Object({
  snapshot: Type.Object({
    name: Type.Optional(SnapshotName),
    expires_at: Type.Optional(Type.Union([Timestamp, Type.Null()])),
  }),
})
export type SnapshotUpdate = Static<typeof SnapshotUpdate>

export const SnapshotRestore = Type.Object({
  /** Of the branch that is made. */
  name: Type.Optional(SnapshotName),
  /** Whose computes move to the new branch once it is finalized; the snapshot's source unless given. */
  target_branch_id: Type.Optional(Id),
  finalize_restore: Type.Optional(Type.Boolean()),
})
export type SnapshotRestore = Static<typeof SnapshotRestore>

export const BackupScheduleItem = Type.Object({
  frequency: Type.Union([
    Type.Literal('hourly'),
    Type.Literal('daily'),
    Type.Literal('weekly'),
    Type.Literal('monthly'),
    Type.Literal('yearly'),
  ]),
  /** UTC. */
  hour: Type.Optional(Type.Integer({ minimum: 0, maximum: 23 })),
  /** Of the week, 1 is Monday, or of the month. */
  day: Type.Optional(Type.Integer({ minimum: 1, maximum: 31 })),
  month: Type.Optional(Type.Integer({ minimum: 1, maximum: 12 })),
  retention_seconds: Type.Optional(Type.Integer({ minimum: 3600 })),
})
export type BackupScheduleItem = Static<typeof BackupScheduleItem>

export const BackupSchedule = Type.Object({
  schedule: Type.Array(BackupScheduleItem, { maxItems: 20 }),
})
export type BackupSchedule = Static<typeof BackupSchedule>

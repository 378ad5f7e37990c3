import { type Static, Type } from 'typebox'

import { BranchEndpointCreate } from './endpoint.ts'
import { Id, Timestamp } from './ids.ts'

export const BranchState = Type.Union([
  Type.Literal('init'),
  Type.Literal('resetting'),
  Type.Literal('ready'),
  Type.Literal('archived'),
])

export const Branch = Type.Object({
  id: Id,
  project_id: Id,
  parent_id: Type.Optional(Id),
  parent_lsn: Type.Optional(Type.String()),
  parent_timestamp: Type.Optional(Timestamp),
  name: Type.String(),
  current_state: BranchState,
  pending_state: Type.Optional(BranchState),
  state_changed_at: Timestamp,
  /** Bytes of all databases as PostgreSQL counts them, shared with the parent or not. */
  logical_size: Type.Optional(Type.Integer()),
  creation_source: Type.String(),
  primary: Type.Boolean(),
  default: Type.Boolean(),
  protected: Type.Boolean(),
  cpu_used_sec: Type.Integer(),
  compute_time_seconds: Type.Integer(),
  active_time_seconds: Type.Integer(),
  written_data_bytes: Type.Integer(),
  data_transfer_bytes: Type.Integer(),
  created_at: Timestamp,
  updated_at: Timestamp,
  expires_at: Type.Optional(Timestamp),
  ttl_interval_seconds: Type.Optional(Type.Integer()),
  /** When its data was last replaced by its parent's. */
  last_reset_at: Type.Optional(Timestamp),
  init_source: Type.Optional(Type.String()),
  /** Of a branch that a snapshot was restored to: whether computes have moved to it yet. */
  restore_status: Type.Optional(
    Type.Union([Type.Literal('restored'), Type.Literal('finalized'), Type.Literal('detaching')]),
  ),
  /** The snapshot that it was restored from. */
  restored_from: Type.Optional(Id),
  /** Of a branch that was replaced: the branch that took its place. */
  restored_as: Type.Optional(Id),
  recovery: Type.Optional(
    Type.Object({
      deleted_at: Timestamp,
      recoverable_until: Timestamp,
      /** By a caller, or by its `expires_at`. */
      deletion_method: Type.Union([Type.Literal('user'), Type.Literal('ttl')]),
    }),
  ),
})
export type Branch = Static<typeof Branch>

/** What the creator of a branch noted on it: Neon's integrations keep their commit and pull request there. */
export const AnnotationValue = Type.Record(
  Type.String({ maxLength: 256 }),
  Type.String({ maxLength: 4096 }),
  { maxProperties: 50 },
)

export const Annotation = Type.Object({
  object: Type.Object({ type: Type.String(), id: Id }),
  value: AnnotationValue,
  created_at: Type.Optional(Timestamp),
  updated_at: Type.Optional(Timestamp),
})
export type Annotation = Static<typeof Annotation>

const ExpiresAt = Type.Union([Timestamp, Type.Null()])

export const BranchCreate = Type.Object({
  branch: Type.Optional(
    Type.Object({
      /** The default branch without it, or where it is empty. */
      parent_id: Type.Optional(Type.Union([Id, Type.Literal('')])),
      name: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
      parent_lsn: Type.Optional(Type.String()),
      parent_timestamp: Type.Optional(Timestamp),
      protected: Type.Optional(Type.Boolean()),
      archived: Type.Optional(Type.Boolean()),
      init_source: Type.Optional(
        Type.Union([Type.Literal('parent-data'), Type.Literal('schema-only')]),
      ),
      expires_at: Type.Optional(ExpiresAt),
    }),
  ),
  endpoints: Type.Optional(Type.Array(BranchEndpointCreate, { maxItems: 10 })),
  annotation_value: Type.Optional(AnnotationValue),
})
export type BranchCreate = Static<typeof BranchCreate>

export const BranchUpdate = Type.Object({
  branch: Type.Object({
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
    protected: Type.Optional(Type.Boolean()),
    expires_at: Type.Optional(ExpiresAt),
    /** Puts the branch away, or brings it back; so does a connection. */
    archived: Type.Optional(Type.Boolean()),
  }),
})
export type BranchUpdate = Static<typeof BranchUpdate>

export const BranchRestore = Type.Object({
  /** A branch by id; itself needs a moment, and a name for what it was. */
  source_branch_id: Type.String({ minLength: 1, maxLength: 256 }),
  source_lsn: Type.Optional(Type.String()),
  source_timestamp: Type.Optional(Timestamp),
  /** What the branch was until now is kept as a branch of this name; its children move there. */
  preserve_under_name: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
})
export type BranchRestore = Static<typeof BranchRestore>

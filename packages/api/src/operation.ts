import { type Static, Type } from 'typebox'

import { Id, Timestamp, Uuid } from './ids.ts'

/** Neon's names of what an operation does; these are the ones that Coppice performs. */
export const OperationAction = Type.Union([
  Type.Literal('create_timeline'),
  Type.Literal('create_branch'),
  Type.Literal('delete_timeline'),
  Type.Literal('start_compute'),
  Type.Literal('suspend_compute'),
  Type.Literal('apply_config'),
  Type.Literal('apply_schema_from_branch'),
  // An anonymized branch is filled with masked data.
  Type.Literal('import_data'),
  // A branch gets other data: a restore, a reset, or a snapshot that takes its place.
  Type.Literal('swap_binding_id'),
  // A point of a branch is kept, as a branch that is not listed.
  Type.Literal('timeline_mark_invisible'),
  // A branch made from a snapshot takes the place of another.
  Type.Literal('detach_parent_branch'),
  Type.Literal('timeline_archive'),
  Type.Literal('timeline_unarchive'),
])
export type OperationAction = Static<typeof OperationAction>

export const OperationStatus = Type.Union([
  Type.Literal('scheduling'),
  Type.Literal('running'),
  Type.Literal('finished'),
  Type.Literal('failed'),
  Type.Literal('error'),
  Type.Literal('cancelling'),
  Type.Literal('cancelled'),
  Type.Literal('skipped'),
])
export type OperationStatus = Static<typeof OperationStatus>

export const Operation = Type.Object({
  id: Uuid,
  project_id: Id,
  branch_id: Type.Optional(Id),
  endpoint_id: Type.Optional(Id),
  action: OperationAction,
  status: OperationStatus,
  error: Type.Optional(Type.String()),
  failures_count: Type.Integer(),
  retry_at: Type.Optional(Timestamp),
  created_at: Timestamp,
  updated_at: Timestamp,
  total_duration_ms: Type.Integer(),
})
export type Operation = Static<typeof Operation>

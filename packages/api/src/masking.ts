import { type Static, Type } from 'typebox'

import { BranchCreate } from './branch.ts'
import { Id, Timestamp } from './ids.ts'

const Name = Type.String({ minLength: 1, maxLength: 63 })

/** What a column's values become; either `masking_function` or `masking_value` says it. */
export const MaskingRule = Type.Object({
  database_name: Name,
  schema_name: Name,
  table_name: Name,
  column_name: Name,
  /** An SQL expression: `anon.pseudo_email(email)`, or one of the user's own. */
  masking_function: Type.Optional(Type.String({ maxLength: 4096 })),
  /** A literal for every row. */
  masking_value: Type.Optional(Type.String({ maxLength: 4096 })),
})
export type MaskingRule = Static<typeof MaskingRule>

export const MaskingRules = Type.Object({
  masking_rules: Type.Array(MaskingRule, { maxItems: 10_000 }),
})
export type MaskingRules = Static<typeof MaskingRules>

export const BranchAnonymizedCreate = Type.Object({
  branch_create: Type.Optional(BranchCreate),
  masking_rules: Type.Optional(MaskingRules.properties.masking_rules),
  /** Without it the branch has the schema and no rows until anonymization is started. */
  start_anonymization: Type.Optional(Type.Boolean()),
  annotation_value: BranchCreate.properties.annotation_value,
})
export type BranchAnonymizedCreate = Static<typeof BranchAnonymizedCreate>

export const AnonymizedState = Type.Union([
  Type.Literal('initialized'),
  Type.Literal('anonymizing'),
  Type.Literal('anonymized'),
  Type.Literal('error'),
])
export type AnonymizedState = Static<typeof AnonymizedState>

export const AnonymizedStatus = Type.Object({
  project_id: Id,
  branch_id: Id,
  state: AnonymizedState,
  /** What is being masked, what was left out, or what went wrong. */
  status_message: Type.Optional(Type.String()),
  created_at: Timestamp,
  updated_at: Timestamp,
  failed_at: Type.Optional(Timestamp),
  last_run: Type.Optional(
    Type.Object({
      started_at: Type.Optional(Timestamp),
      completed_at: Type.Optional(Timestamp),
      masked_columns: Type.Optional(Type.Integer()),
    }),
  ),
})
export type AnonymizedStatus = Static<typeof AnonymizedStatus>

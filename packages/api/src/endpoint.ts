import { type Static, Type } from 'typebox'

import { Id, Timestamp } from './ids.ts'

export const EndpointType = Type.Union([Type.Literal('read_write'), Type.Literal('read_only')])
export type EndpointType = Static<typeof EndpointType>

export const EndpointState = Type.Union([
  Type.Literal('init'),
  Type.Literal('active'),
  Type.Literal('idle'),
])
export type EndpointState = Static<typeof EndpointState>

/** Settings of the pooler by PgBouncer's names; docs/operating.md lists them. */
export const PgbouncerSettings = Type.Record(Type.String(), Type.String())

/** The same in a change: the names given are set, those with null are taken away, the rest stays. */
export const PgbouncerSettingsChange = Type.Record(
  Type.String(),
  Type.Union([Type.String(), Type.Null()]),
)
export type PgbouncerSettingsChange = Static<typeof PgbouncerSettingsChange>

/** Coppice's own: every setting of the pooler as it is in force, defaults included. */
export const PoolerSettings = Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()]))

export const PoolerMode = Type.Union([
  Type.Literal('transaction'),
  Type.Literal('session'),
  Type.Literal('statement'),
])

export const EndpointSettings = Type.Object({
  pg_settings: Type.Optional(Type.Record(Type.String(), Type.String())),
  pgbouncer_settings: Type.Optional(PgbouncerSettings),
})
export type EndpointSettings = Static<typeof EndpointSettings>

const EndpointSettingsChange = Type.Object({
  pg_settings: Type.Optional(Type.Record(Type.String(), Type.String())),
  pgbouncer_settings: Type.Optional(PgbouncerSettingsChange),
})

export const Endpoint = Type.Object({
  host: Type.String(),
  id: Id,
  name: Type.Optional(Type.String()),
  project_id: Id,
  branch_id: Id,
  autoscaling_limit_min_cu: Type.Number(),
  autoscaling_limit_max_cu: Type.Number(),
  region_id: Type.String(),
  type: EndpointType,
  current_state: EndpointState,
  pending_state: Type.Optional(EndpointState),
  settings: EndpointSettings,
  pooler_enabled: Type.Boolean(),
  pooler_mode: PoolerMode,
  pooler_settings: Type.Optional(PoolerSettings),
  disabled: Type.Boolean(),
  passwordless_access: Type.Boolean(),
  last_active: Type.Optional(Timestamp),
  creation_source: Type.String(),
  created_at: Timestamp,
  updated_at: Timestamp,
  started_at: Type.Optional(Timestamp),
  suspended_at: Type.Optional(Timestamp),
  proxy_host: Type.String(),
  suspend_timeout_seconds: Type.Integer(),
  provisioner: Type.String(),
  compute_release_version: Type.Optional(Type.String()),
})
export type Endpoint = Static<typeof Endpoint>

/** The part of an endpoint that its creator chooses; a PATCH can change it. */
const EndpointOptions = {
  name: Type.Optional(Type.String({ maxLength: 256 })),
  settings: Type.Optional(EndpointSettings),
  autoscaling_limit_min_cu: Type.Optional(Type.Number({ minimum: 0.25, maximum: 64 })),
  autoscaling_limit_max_cu: Type.Optional(Type.Number({ minimum: 0.25, maximum: 64 })),
  provisioner: Type.Optional(Type.String()),
  pooler_enabled: Type.Optional(Type.Boolean()),
  disabled: Type.Optional(Type.Boolean()),
  suspend_timeout_seconds: Type.Optional(Type.Integer({ minimum: -1, maximum: 604_800 })),
}

/** An endpoint asked for together with its branch. */
export const BranchEndpointCreate = Type.Object({ type: EndpointType, ...EndpointOptions })
export type BranchEndpointCreate = Static<typeof BranchEndpointCreate>

export const EndpointCreate = Type.Object({
  endpoint: Type.Object({ branch_id: Id, type: EndpointType, ...EndpointOptions }),
})
export type EndpointCreate = Static<typeof EndpointCreate>

export const EndpointUpdate = Type.Object({
  endpoint: Type.Object({
    ...EndpointOptions,
    settings: Type.Optional(EndpointSettingsChange),
  }),
})
export type EndpointUpdate = Static<typeof EndpointUpdate>

import { type Static, Type } from 'typebox'

import { ComputeChoice, ComputeUnits } from './compute.ts'
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

/** Libraries that PostgreSQL loads at its start, out of those that the API lists as available. */
export const PreloadLibraries = Type.Object({
  /** Besides `enabled_libraries`, those that every compute has; true unless given. */
  use_defaults: Type.Optional(Type.Boolean()),
  enabled_libraries: Type.Optional(Type.Array(Type.String({ maxLength: 63 }), { maxItems: 50 })),
})
export type PreloadLibraries = Static<typeof PreloadLibraries>

/** What Neon runs a compute with; here all are processes of one machine, so either may be asked for. */
export const Provisioner = Type.Union([Type.Literal('k8s-neonvm'), Type.Literal('k8s-pod')])

export const EndpointSettings = Type.Object({
  pg_settings: Type.Optional(Type.Record(Type.String(), Type.String())),
  pgbouncer_settings: Type.Optional(PgbouncerSettings),
  preload_libraries: Type.Optional(PreloadLibraries),
})
export type EndpointSettings = Static<typeof EndpointSettings>

const EndpointSettingsChange = Type.Object({
  pg_settings: Type.Optional(Type.Record(Type.String(), Type.String())),
  pgbouncer_settings: Type.Optional(PgbouncerSettingsChange),
  preload_libraries: Type.Optional(PreloadLibraries),
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
  /** Coppice's own: the compute that it shares with others, whose size it has. Absent without. */
  compute_id: Type.Optional(Id),
  compute_name: Type.Optional(Type.String()),
  compute_release_version: Type.Optional(Type.String()),
})
export type Endpoint = Static<typeof Endpoint>

/** The part of an endpoint that its creator chooses; a PATCH can change it. */
const EndpointOptions = {
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  settings: Type.Optional(EndpointSettings),
  autoscaling_limit_min_cu: Type.Optional(ComputeUnits),
  autoscaling_limit_max_cu: Type.Optional(ComputeUnits),
  provisioner: Type.Optional(Provisioner),
  /** Coppice's own: shares this compute of the project, by id or name; null for its own. */
  compute_id: Type.Optional(ComputeChoice),
  pooler_enabled: Type.Optional(Type.Boolean()),
  /** Neon's only one; others are `pool_mode` of `pgbouncer_settings`. */
  pooler_mode: Type.Optional(Type.Literal('transaction')),
  /** Refused unless false: the gateway asks everybody for a password. */
  passwordless_access: Type.Optional(Type.Boolean()),
  disabled: Type.Optional(Type.Boolean()),
  suspend_timeout_seconds: Type.Optional(Type.Integer({ minimum: -1, maximum: 604_800 })),
}

/** An endpoint asked for together with its branch. */
export const BranchEndpointCreate = Type.Object({ type: EndpointType, ...EndpointOptions })
export type BranchEndpointCreate = Static<typeof BranchEndpointCreate>

export const EndpointCreate = Type.Object({
  endpoint: Type.Object({
    branch_id: Id,
    /** Only the project's own. */
    region_id: Type.Optional(Type.String()),
    type: EndpointType,
    ...EndpointOptions,
  }),
})
export type EndpointCreate = Static<typeof EndpointCreate>

export const EndpointUpdate = Type.Object({
  endpoint: Type.Object({
    /** Refused unless it is the endpoint's own: computes stay with their branch. */
    branch_id: Type.Optional(Id),
    ...EndpointOptions,
    settings: Type.Optional(EndpointSettingsChange),
  }),
})
export type EndpointUpdate = Static<typeof EndpointUpdate>

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

export const EndpointSettings = Type.Object({
  pg_settings: Type.Optional(Type.Record(Type.String(), Type.String())),
})
export type EndpointSettings = Static<typeof EndpointSettings>

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
  pooler_mode: Type.Literal('transaction'),
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

/** The part of an endpoint that its creator chooses; also the body of a PATCH. */
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

export const EndpointUpdate = Type.Object({ endpoint: Type.Object(EndpointOptions) })
export type EndpointUpdate = Static<typeof EndpointUpdate>

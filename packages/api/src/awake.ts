import { type Static, Type } from 'typebox'

import { EndpointState } from './endpoint.ts'
import { Id, Timestamp } from './ids.ts'
import { AwakeReason } from './platform.ts'

export const AwakeEventKind = Type.Union([
  Type.Literal('woke'),
  Type.Literal('slept'),
  Type.Literal('frozen'),
  Type.Literal('stayed_awake'),
])
export type AwakeEventKind = Static<typeof AwakeEventKind>

/** An entry of the ledger: what a compute did, and for whom. */
export const AwakeEvent = Type.Object({
  at: Timestamp,
  event: AwakeEventKind,
  /** `client`, `API`, `scheduled job`, `idle` and others, for people. */
  reason: Type.String(),
  detail: Type.Optional(Type.String()),
  role: Type.Optional(Type.String()),
  database: Type.Optional(Type.String()),
  application_name: Type.Optional(Type.String()),
  client_address: Type.Optional(Type.String()),
  via: Type.Optional(Type.String()),
  /** The event that began the state which this one has ended. */
  after: Type.Optional(AwakeEventKind),
  /** Of that state, or of staying awake. */
  duration_seconds: Type.Optional(Type.Number()),
  /** Of the time awake that a sleep or a freeze has ended, with its cost by the price list. */
  compute_unit_seconds: Type.Optional(Type.Number()),
  cost: Type.Optional(Type.Number()),
})
export type AwakeEvent = Static<typeof AwakeEvent>

export const AwakeSession = Type.Object({
  role: Type.String(),
  database: Type.String(),
  application_name: Type.Optional(Type.String()),
  client_address: Type.Optional(Type.String()),
  pooled: Type.Boolean(),
  /** Whether it neither wakes the compute nor keeps it awake. */
  quiet: Type.Boolean(),
  connected_at: Timestamp,
  last_active: Timestamp,
})
export type AwakeSession = Static<typeof AwakeSession>

export const EndpointAwake = Type.Object({
  endpoint_id: Id,
  branch_id: Id,
  branch_name: Type.String(),
  current_state: EndpointState,
  /** Whether its processes stand still until somebody wants it, and nothing counts. */
  frozen: Type.Boolean(),
  /** As it is in force: the default filled in; -1 never. */
  suspend_timeout_seconds: Type.Integer(),
  started_at: Type.Optional(Timestamp),
  last_active: Timestamp,
  /** When it sleeps, where nothing happens until then and nothing keeps it awake. */
  suspend_at: Type.Optional(Timestamp),
  /** What keeps it awake now. */
  awake: Type.Array(AwakeReason),
  /** Of the compute since it started; 0 while it sleeps. */
  compute_unit_seconds: Type.Number(),
  cost: Type.Number(),
  currency: Type.String(),
  quiet_applications: Type.Array(Type.String()),
  /** Those that were active last. */
  sessions: Type.Array(AwakeSession),
  /** The ledger, newest first. */
  events: Type.Array(AwakeEvent),
})
export type EndpointAwake = Static<typeof EndpointAwake>

export const EndpointAwakeUpdate = Type.Object({
  quiet_applications: Type.Array(Type.String({ minLength: 1, maxLength: 63 }), { maxItems: 100 }),
})
export type EndpointAwakeUpdate = Static<typeof EndpointAwakeUpdate>

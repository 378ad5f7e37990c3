import { type Static, Type } from 'typebox'

import { PoolerMode, PoolerSettings } from './endpoint.ts'
import { Id, Timestamp } from './ids.ts'

const Count = Type.Integer({ minimum: 0 })

/** One pool: the connections of one role to one database. */
export const PoolerPool = Type.Object({
  database: Type.String(),
  role: Type.String(),
  pool_mode: PoolerMode,
  paused: Type.Boolean(),
  clients: Type.Object({ active: Count, waiting: Count, idle: Count, pinned: Count }),
  servers: Type.Object({ active: Count, idle: Count, opening: Count }),
  /** How long the client that waits longest has waited. */
  longest_wait_ms: Count,
  /** Counted since the pool was made. */
  transactions: Count,
  queries: Count,
})
export type PoolerPool = Static<typeof PoolerPool>

export const Pooler = Type.Object({
  endpoint_id: Id,
  /** Every setting as it is in force. */
  settings: PoolerSettings,
  pools: Type.Array(PoolerPool),
})
export type Pooler = Static<typeof Pooler>

/** A client of a pool. */
export const PoolerClient = Type.Object({
  /** What KILL_CLIENT of the admin console takes. */
  id: Type.Integer(),
  database: Type.String(),
  role: Type.String(),
  state: Type.Union([Type.Literal('active'), Type.Literal('waiting'), Type.Literal('idle')]),
  via: Type.Union([Type.Literal('wire'), Type.Literal('http')]),
  application_name: Type.String(),
  address: Type.String(),
  connected_at: Timestamp,
  last_request_at: Timestamp,
  wait_ms: Count,
  prepared_statements: Count,
  /** Why it keeps its server connection between transactions; empty when it does not. */
  pinned_because: Type.Array(Type.String()),
})
export type PoolerClient = Static<typeof PoolerClient>

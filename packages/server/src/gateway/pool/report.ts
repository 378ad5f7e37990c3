import type { PoolKey } from './lease.ts'
/**
 * What the pools of a gateway are doing, as plain data that passes between processes. The admin console
 * renders it under PgBouncer's names.
 */
import type { PoolMode, PoolSettings } from './settings.ts'

export interface GatewayReport {
  pools: PoolReport[]
  clients: ClientReport[]
  servers: ServerReport[]
}

export interface PoolReport extends PoolKey {
  mode: PoolMode
  settings: PoolSettings
  isPaused: boolean
  clients: { active: number; waiting: number; idle: number; pinned: number; cancelling: number }
  servers: { active: number; idle: number; used: number; opening: number; cancelling: number }
  /** How long the client that waits longest has waited. */
  longestWaitUs: number
  totals: PoolTotals
}

/** Counted since the pool was made. Bytes are the protocol's, as clients and servers exchange them. */
export interface PoolTotals {
  /** Times a client was given a server connection. */
  assignments: number
  transactions: number
  queries: number
  bytesReceived: number
  bytesSent: number
  transactionTimeUs: number
  queryTimeUs: number
  waitTimeUs: number
  parsesByClients: number
  parsesOnServers: number
  binds: number
  serverLogins: number
}

export interface ClientReport extends PoolKey {
  id: number
  /** As PgBouncer: `active` has a server connection, `waiting` waits for one, `idle` needs none. */
  state: 'active' | 'waiting' | 'idle'
  via: 'wire' | 'http'
  applicationName: string
  address: string
  port: number
  connectedAtMs: number
  lastRequestAtMs: number
  waitUs: number
  /** Id of the server connection it has. */
  serverId: number | undefined
  preparedStatements: number
  /** Why it keeps its server connection between transactions; empty when it does not. */
  pinnedBecause: string[]
}

export interface ServerReport extends PoolKey {
  id: number
  state: 'active' | 'idle' | 'used' | 'opening'
  applicationName: string
  connectedAtMs: number
  lastRequestAtMs: number
  /** The backend's process id. */
  remotePid: number
  clientId: number | undefined
  preparedStatements: number
  /** Not used again once its transaction is over. */
  isRetiring: boolean
}

/** Which pools an administrator may see and act on; undefined where all. */
export interface PoolFilter {
  endpointId?: string | undefined
  database?: string | undefined
}

/** What an administrator can do. Answers of all the processes of a gateway, as if they were one. */
export interface PoolAdmin {
  report(filter: PoolFilter): Promise<GatewayReport>
  /** No transaction begins from now on; resolves once those that run are over. */
  pause(filter: PoolFilter): Promise<void>
  resume(filter: PoolFilter): Promise<void>
  /** Closes server connections, each as soon as nobody has it. */
  reconnect(filter: PoolFilter): Promise<void>
  /** Drops clients and server connections at once, and pauses. */
  kill(filter: PoolFilter): Promise<void>
  /** Answers whether there was such a client. */
  killClient(id: number, filter: PoolFilter): Promise<boolean>
  /** Takes the endpoints' settings as they are now. */
  reload(filter: PoolFilter): Promise<void>
}

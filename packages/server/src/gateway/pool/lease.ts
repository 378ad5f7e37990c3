import type { ScramKeys } from '../../lib/scram.ts'
import type { WakingClient } from '../control-plane.ts'

/** Whose connections a pool holds: all of them are logged in to one database as one role. */
export interface PoolKey {
  endpointId: string
  database: string
  role: string
}

/** A client of a pool, as its views show it. Its password has been checked. */
export interface PoolClientDetails extends PoolKey {
  /** Good for a login at the compute. */
  keys: ScramKeys
  /** Session variables by name, from the start-up packet or a connection string: `application_name` and others. */
  variables: ReadonlyMap<string, string>
  clientAddress: string
  /** Whether it asks neither to wake the compute nor to keep it awake. */
  quiet: boolean
  /** What kind of client: `SHOW CLIENTS` tells. */
  via: 'wire' | 'http'
}

/** A client as the platform is told of it. */
export function wakingClient(client: PoolClientDetails): WakingClient {
  const { role, database, clientAddress, quiet, via, variables } = client
  return {
    role,
    database,
    applicationName: variables.get('application_name') ?? '',
    clientAddress,
    via: via === 'http' ? 'http' : 'pooled',
    quiet,
  }
}

/** ReadyForQuery's status: in no transaction, in one, in a failed one. */
export type TransactionStatus = 'I' | 'T' | 'E'

/**
 * A server connection lent to a client that is no socket, such as a request of SQL over HTTP. What the
 * client leaves in the session is taken back on release.
 */
export interface Lease {
  /**
   * Sends whole messages, the last of which is Query or Sync, and hands out every answer until its
   * ReadyForQuery, which is what it resolves with. Rejects with Disconnected where the compute has gone
   * in between: whether the statement was carried out is not known then.
   */
  exchange(
    messages: Buffer,
    onMessage: (type: string, body: Buffer) => void,
  ): Promise<TransactionStatus>
  /** Asks the compute to cancel what it does; its answer comes in the exchange. */
  cancel(): void
  /** Gives the connection back, rolled back where a transaction is open. Call once, also after errors. */
  release(): void
}

/** Lends server connections; implemented by the pools of one process. */
export interface Lender {
  /**
   * Waits for a connection, waking the compute where it sleeps. Rejects with ClientError where there
   * is none in time, with ComputeRefusal where the compute refuses, with the signal's reason.
   */
  lease(client: PoolClientDetails, signal: AbortSignal): Promise<Lease>
}

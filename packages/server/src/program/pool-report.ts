import type { PoolerClient, PoolerPool } from '@coppice/api'

import type { PoolReport } from '../control/pooler.ts'
import type { ClientReport, PoolAdmin, PoolReport as Pool } from '../gateway/pool/report.ts'

/** What the gateway tells of its pools, in the API's words. */
export function createPoolReport(admin: Pick<PoolAdmin, 'report'>): PoolReport {
  return async (endpointId) => {
    const { pools, clients } = await admin.report({ endpointId })
    return { pools: pools.map(presentPool), clients: clients.map(presentClient) }
  }
}

function presentPool(pool: Pool): PoolerPool {
  const { active, waiting, idle, pinned } = pool.clients
  return {
    database: pool.database,
    role: pool.role,
    pool_mode: pool.mode,
    paused: pool.isPaused,
    clients: { active, waiting, idle, pinned },
    servers: {
      active: pool.servers.active,
      idle: pool.servers.idle + pool.servers.used,
      opening: pool.servers.opening,
    },
    longest_wait_ms: Math.round(pool.longestWaitUs / 1000),
    transactions: pool.totals.transactions,
    queries: pool.totals.queries,
  }
}

function presentClient(client: ClientReport): PoolerClient {
  return {
    id: client.id,
    database: client.database,
    role: client.role,
    state: client.state,
    via: client.via,
    application_name: client.applicationName,
    address: client.address,
    connected_at: new Date(client.connectedAtMs).toISOString(),
    last_request_at: new Date(client.lastRequestAtMs).toISOString(),
    wait_ms: Math.round(client.waitUs / 1000),
    prepared_statements: client.preparedStatements,
    pinned_because: client.pinnedBecause,
  }
}

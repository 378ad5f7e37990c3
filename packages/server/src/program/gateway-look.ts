import type { PoolFigures } from '../control/metrics/followed-compute.ts'
import type { GatewayLook } from '../control/metrics/sampler.ts'
import type { PoolReport } from '../gateway/pool/report.ts'
import type { GatewayService } from './gateway-service.ts'

/** What the gateway tells of itself, as figures. */
export function createGatewayLook(gateway: GatewayService): GatewayLook {
  return {
    pools: async () => {
      const { pools } = await gateway.poolAdmin.report({})
      const sums = new Map<string, PoolFigures>()
      for (const pool of pools) {
        sums.set(pool.endpointId, addPool(sums.get(pool.endpointId), pool))
      }
      return sums
    },
    processes: async () => {
      const workers = await gateway.workers()
      return {
        gateway_sessions: workers.reduce((sum, one) => sum + one.sessions, 0),
        gateway_memory_bytes: workers.reduce((sum, one) => sum + one.memory_bytes, 0),
      }
    },
  }
}

function addPool(sum: PoolFigures | undefined, pool: PoolReport): PoolFigures {
  const { clients, servers } = pool
  return {
    pool_clients_active: (sum?.pool_clients_active ?? 0) + clients.active,
    pool_clients_waiting: (sum?.pool_clients_waiting ?? 0) + clients.waiting,
    pool_clients_idle: (sum?.pool_clients_idle ?? 0) + clients.idle,
    pool_servers_active: (sum?.pool_servers_active ?? 0) + servers.active,
    pool_servers_idle: (sum?.pool_servers_idle ?? 0) + servers.idle + servers.used,
    pool_wait_seconds: Math.max(sum?.pool_wait_seconds ?? 0, pool.longestWaitUs / 1_000_000),
  }
}

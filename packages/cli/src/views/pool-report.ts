import type { Pooler, PoolerClient, PoolerPool } from '@coppice/api'

import { formatTime } from '../format.ts'
import { renderDetails, renderTable } from '../table.ts'
import { poolerInForce } from './pooler.ts'

/** The settings that matter most, then the pools. */
export async function poolerStatus(pooler: Pooler): Promise<string> {
  const { endpoint_id: id, settings, pools } = pooler
  const details = await renderDetails([
    ['Endpoint', id],
    ['Pooler', poolerInForce(settings)],
    ['Sessions', sessionsOf(settings['session_state'])],
  ])
  return `${details}\n\n${pools.length > 0 ? await poolTable(pools) : noPools}`
}

/** Clients as a list; `total` says how many there are beside. */
export async function poolerClients(
  clients: readonly PoolerClient[],
  total: number,
): Promise<string> {
  if (clients.length === 0) return noClients
  const table = await clientTable(clients)
  const left = total - clients.length
  return left > 0 ? `${table}\n\n${left} more; --limit shows them.` : table
}

const noPools = 'No pools yet: the first client on the pooled port makes one.'
const noClients = 'No client is connected to the pooler.'

function sessionsOf(state: string | number | undefined): string | undefined {
  if (state === 'pin') return 'a client whose session has state keeps its server connection'
  return state === 'refuse' ? 'statements that leave state in the session are refused' : undefined
}

async function poolTable(pools: readonly PoolerPool[]): Promise<string> {
  return renderTable<PoolerPool>(
    [
      { title: 'database', value: (pool) => pool.database },
      { title: 'role', value: (pool) => pool.role },
      {
        title: 'mode',
        value: (pool) => (pool.paused ? `${pool.pool_mode}, paused` : pool.pool_mode),
      },
      { title: 'clients', value: clientsOf },
      { title: 'servers', value: serversOf },
      { title: 'longest wait', value: (pool) => formatWait(pool.longest_wait_ms) },
      { title: 'transactions', value: (pool) => String(pool.transactions) },
    ],
    pools,
  )
}

async function clientTable(clients: readonly PoolerClient[]): Promise<string> {
  return renderTable<PoolerClient>(
    [
      { title: 'id', value: (client) => String(client.id) },
      { title: 'database', value: (client) => client.database },
      { title: 'role', value: (client) => client.role },
      { title: 'state', value: (client) => client.state },
      { title: 'waits', value: (client) => formatWait(client.wait_ms) },
      { title: 'application', value: (client) => client.application_name },
      { title: 'from', value: (client) => client.address },
      { title: 'via', value: (client) => client.via },
      { title: 'connected', value: (client) => formatTime(client.connected_at) },
      { title: 'pinned because', value: (client) => client.pinned_because.join(', ') },
    ],
    clients,
  )
}

/** `2 active, 1 waiting`: what there is none of is left out. */
function clientsOf({ clients }: PoolerPool): string {
  return counts({ ...clients })
}

function serversOf({ servers }: PoolerPool): string {
  return counts({ ...servers })
}

function counts(of: Readonly<Record<string, number>>): string {
  const some = Object.entries(of).filter(([, count]) => count > 0)
  return some.length > 0 ? some.map(([name, count]) => `${count} ${name}`).join(', ') : 'none'
}

function formatWait(waitMs: number): string | undefined {
  if (waitMs === 0) return undefined
  return waitMs < 1000 ? `${waitMs} ms` : `${(waitMs / 1000).toFixed(1)} s`
}

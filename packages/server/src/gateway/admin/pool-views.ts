/** SHOW POOLS, DATABASES, USERS, LISTS and STATE, with the columns of PgBouncer 1.25. */
import type { PoolReport } from '../pool/report.ts'
import { field, listView } from './fields.ts'
import type { ConsoleState } from './state.ts'
import { databaseName } from './visitor.ts'

const million = 1_000_000

interface NamedPool extends PoolReport {
  name: string
}

/** The pools of one database. */
interface Group {
  name: string
  first: PoolReport
  pools: NamedPool[]
}

/** A role by its name; those of several endpoints that have the same name are one here. */
interface User {
  name: string
  pools: PoolReport[]
}

export const poolsView = listView<ConsoleState, NamedPool>(
  [
    field('database', 'text', (pool) => pool.name),
    field('user', 'text', (pool) => pool.role),
    field('cl_active', 'int4', ({ clients }) => clients.active + clients.idle),
    field('cl_waiting', 'int4', ({ clients }) => clients.waiting),
    field('cl_active_cancel_req', 'int4', ({ clients }) => clients.cancelling),
    field('cl_waiting_cancel_req', 'int4', () => 0),
    field('sv_active', 'int4', ({ servers }) => servers.active),
    field('sv_active_cancel', 'int4', ({ servers }) => servers.cancelling),
    field('sv_being_canceled', 'int4', () => 0),
    field('sv_idle', 'int4', ({ servers }) => servers.idle),
    field('sv_used', 'int4', ({ servers }) => servers.used),
    field('sv_tested', 'int4', () => 0),
    field('sv_login', 'int4', ({ servers }) => servers.opening),
    field('maxwait', 'int4', ({ longestWaitUs }) => Math.floor(longestWaitUs / million)),
    field('maxwait_us', 'int4', ({ longestWaitUs }) => longestWaitUs % million),
    field('pool_mode', 'text', (pool) => pool.mode),
    field('load_balance_hosts', 'text', () => null),
  ],
  namedPools,
)

/** A database is listed while it has pools. Its host is its endpoint: the compute's address changes. */
export const databasesView = listView<ConsoleState, Group>(
  [
    field('name', 'text', (group) => group.name),
    field('host', 'text', ({ first }) => first.endpointId),
    field('port', 'int4', () => 5432),
    field('database', 'text', ({ first }) => first.database),
    field('force_user', 'text', () => null),
    field('pool_size', 'int4', ({ first }) => first.settings.default_pool_size),
    field('min_pool_size', 'int4', ({ first }) => first.settings.min_pool_size),
    field('reserve_pool_size', 'int4', () => 0),
    field('server_lifetime', 'int4', ({ first }) => first.settings.server_lifetime),
    field('pool_mode', 'text', ({ first }) => first.mode),
    field('load_balance_hosts', 'text', () => null),
    field('max_connections', 'int4', ({ first }) => first.settings.max_db_connections),
    field('current_connections', 'int4', ({ pools }) => serversOf(pools)),
    field('max_client_connections', 'int4', ({ first }) => first.settings.max_client_conn),
    field('current_client_connections', 'int4', ({ pools }) => clientsOf(pools)),
    field('paused', 'int4', ({ pools }) => (pools.some((pool) => pool.isPaused) ? 1 : 0)),
    field('disabled', 'int4', () => 0),
  ],
  groupByDatabase,
)

/** The columns without a value are overrides for one user, which there are not here. */
export const usersView = listView<ConsoleState, User>(
  [
    field('name', 'text', ({ name }) => name),
    field('pool_size', 'text', () => null),
    field('reserve_pool_size', 'text', () => null),
    field('pool_mode', 'text', () => null),
    field('max_user_connections', 'int4', () => 0),
    field('current_connections', 'int4', ({ pools }) => serversOf(pools)),
    field('max_user_client_connections', 'int4', () => 0),
    field('current_client_connections', 'int4', ({ pools }) => clientsOf(pools)),
  ],
  ({ report: { pools } }) =>
    [...new Set(pools.map((pool) => pool.role))].toSorted().map((name) => ({
      name,
      pools: pools.filter((pool) => pool.role === name),
    })),
)

export const listsView = listView<ConsoleState, readonly [list: string, items: number]>(
  [field('list', 'text', ([list]) => list), field('items', 'int4', ([, items]) => items)],
  (state) => [
    ['databases', groupByDatabase(state).length],
    ['users', new Set(state.report.pools.map((pool) => pool.role)).size],
    ['peers', 0],
    ['pools', state.report.pools.length],
    ['peer_pools', 0],
    ['free_clients', 0],
    ['used_clients', state.report.clients.length],
    ['login_clients', 0],
    ['free_servers', 0],
    ['used_servers', state.report.servers.length],
    ['dns_names', 0],
    ['dns_zones', 0],
    ['dns_queries', 0],
    ['dns_pending', 0],
  ],
)

export const stateView = listView<ConsoleState, readonly [key: string, is: boolean]>(
  [
    field('key', 'text', ([key]) => key),
    field('value', 'text', ([, value]) => (value ? 'yes' : 'no')),
  ],
  ({ report: { pools } }) => {
    const isPaused = pools.length > 0 && pools.every((pool) => pool.isPaused)
    return [
      ['active', !isPaused],
      ['paused', isPaused],
      ['suspended', false],
    ]
  },
)

/** By name, so that two looks can be compared. */
export function groupByDatabase(state: ConsoleState): Group[] {
  const groups = new Map<string, Group>()
  for (const pool of namedPools(state)) {
    const group = groups.get(pool.name)
    if (group) group.pools.push(pool)
    else groups.set(pool.name, { name: pool.name, first: pool, pools: [pool] })
  }
  return [...groups.values()]
}

function namedPools({ visitor, report }: ConsoleState): NamedPool[] {
  return report.pools
    .map((pool) => ({ ...pool, name: databaseName(visitor, pool) }))
    .toSorted((one, other) => compare(one.name, other.name) || compare(one.role, other.role))
}

function compare(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1
}

function serversOf(pools: readonly PoolReport[]): number {
  return sum(pools, ({ servers }) => servers.active + servers.idle + servers.used)
}

function clientsOf(pools: readonly PoolReport[]): number {
  return sum(pools, ({ clients }) => clients.active + clients.waiting + clients.idle)
}

function sum(pools: readonly PoolReport[], count: (pool: PoolReport) => number): number {
  return pools.reduce((total, pool) => total + count(pool), 0)
}

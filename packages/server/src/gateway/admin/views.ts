/** What SHOW can show, by its name in the console. */
import { defaultPoolSettings, type PoolSettings } from '../pool/settings.ts'
import { activeSocketsView, clientsView, serversView, socketsView } from './connection-views.ts'
import { emptyView, field, listView, type View } from './fields.ts'
import { databasesView, listsView, poolsView, stateView, usersView } from './pool-views.ts'
import type { ConsoleState } from './state.ts'
import { statsAveragesView, statsTotalsView, statsView, totalsView } from './statistics-views.ts'
import { statsPeriodSeconds } from './statistics.ts'
import type { Column, ColumnType } from './table.ts'

/** The version of PgBouncer whose columns these are; exporters go by it. */
export const pgbouncerVersion = '1.25.0'

interface Setting {
  key: string
  value: string
  default: string
  /** Per project and endpoint, through the API. */
  changeable: boolean
}

const configView = listView<ConsoleState, Setting>(
  [
    field('key', 'text', (setting) => setting.key),
    field('value', 'text', (setting) => setting.value),
    field('default', 'text', (setting) => setting.default),
    field('changeable', 'text', ({ changeable }) => (changeable ? 'yes' : 'no')),
  ],
  ({ settings }) => [...settingsOf(settings), ...fixed].toSorted(byKey),
)

/** PgBouncer's settings that have one value here. */
const fixed: readonly Setting[] = Object.entries({
  admin_users: 'coppice,pgbouncer',
  auth_type: 'scram-sha-256',
  client_tls_sslmode: 'require',
  max_user_connections: '0',
  reserve_pool_size: '0',
  server_reset_query: 'DISCARD ALL',
  stats_period: String(statsPeriodSeconds),
}).map(([key, value]) => ({ key, value, default: value, changeable: false }))

function settingsOf(settings: PoolSettings): Setting[] {
  const defaults = new Map(
    Object.entries(defaultPoolSettings).map(([key, to]) => [key, String(to)]),
  )
  return Object.entries(settings).map(([key, value]) => ({
    key,
    value: String(value),
    default: defaults.get(key) ?? '',
    changeable: true,
  }))
}

function byKey(one: Setting, other: Setting): number {
  return one.key < other.key ? -1 : 1
}

const versionView = listView<ConsoleState, string>(
  [field('version', 'text', (version) => version)],
  ({ version }) => [`PgBouncer ${pgbouncerVersion} (Coppice ${version})`],
)

interface Memory {
  name: string
  used: number
  total: number
}

/** The gateway's own process; none of an endpoint's business. */
const memoryView = listView<ConsoleState, Memory>(
  [
    field('name', 'text', (memory) => memory.name),
    field('size', 'int4', () => 1),
    field('used', 'int4', ({ used }) => used),
    field('free', 'int4', ({ used, total }) => total - used),
    field('memtotal', 'int4', ({ total }) => total),
  ],
  ({ visitor }) => {
    if (!visitor.canAct) return []
    const { heapUsed, heapTotal, external, rss } = process.memoryUsage()
    return [
      { name: 'heap', used: heapUsed, total: heapTotal },
      { name: 'external', used: external, total: external },
      { name: 'process', used: rss, total: rss },
    ]
  },
)

const fileDescriptors = emptyView<ConsoleState>(
  columns('int4 fd', 'text task', 'text user', 'text database', 'text addr', 'int4 port').concat(
    columns('int8 cancel', 'int4 link', 'text client_encoding', 'text std_strings'),
    columns('text datestyle', 'text timezone', 'text password'),
    columns('bytea scram_client_key', 'bytea scram_server_key'),
  ),
  'file descriptors are not shown here: PgBouncer hands them to its successor, and with them keys',
)

const noNames = 'computes are reached by Unix sockets, so no host names are looked up'
const noPeers = 'there are no peers: any of the processes of this gateway takes a cancel request'

const views: Readonly<Record<string, View<ConsoleState>>> = {
  ACTIVE_SOCKETS: activeSocketsView,
  CLIENTS: clientsView,
  CONFIG: configView,
  DATABASES: databasesView,
  DNS_HOSTS: emptyView(columns('text hostname', 'int8 ttl', 'text addrs'), noNames),
  DNS_ZONES: emptyView(columns('text zonename', 'int8 serial', 'int4 count'), noNames),
  FDS: fileDescriptors,
  LISTS: listsView,
  MEM: memoryView,
  PEERS: emptyView(columns('int4 peer_id', 'text host', 'int4 port', 'int4 pool_size'), noPeers),
  PEER_POOLS: emptyView(
    columns('int4 peer_id', 'int4 cl_active_cancel_req', 'int4 cl_waiting_cancel_req').concat(
      columns('int4 sv_active_cancel', 'int4 sv_login'),
    ),
    noPeers,
  ),
  POOLS: poolsView,
  SERVERS: serversView,
  SOCKETS: socketsView,
  STATE: stateView,
  STATS: statsView,
  STATS_AVERAGES: statsAveragesView,
  STATS_TOTALS: statsTotalsView,
  TOTALS: totalsView,
  USERS: usersView,
  VERSION: versionView,
}

/** The view of that name, in upper or lower case. */
export function findView(name: string): View<ConsoleState> | undefined {
  const known = name.toUpperCase()
  return Object.hasOwn(views, known) ? views[known] : undefined
}

/** `int4 fd` is a column fd. */
function columns(...all: `${ColumnType} ${string}`[]): Column[] {
  return all.map((text) => {
    const [type, name] = text.split(' ') as [ColumnType, string]
    return { name, type }
  })
}

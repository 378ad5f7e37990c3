/** SHOW CLIENTS, SERVERS and SOCKETS, with the columns of PgBouncer 1.25 and one of our own. */
import type { ClientReport, ServerReport } from '../pool/report.ts'
import { type Field, field, listView } from './fields.ts'
import type { ConsoleState } from './state.ts'
import { databaseName } from './visitor.ts'

const million = 1_000_000

/** A connection of either side, in PgBouncer's words. */
interface Connection {
  type: 'C' | 'S'
  user: string
  database: string
  state: string
  address: string
  port: number
  connectedAtMs: number
  lastRequestAtMs: number
  waitUs: number
  isClosing: boolean
  /** Of the connection at the other side that it is linked with. */
  link: string
  remotePid: number
  applicationName: string
  preparedStatements: number
  id: number
  pinnedBecause: string
}

const columns: ReadonlyArray<Field<Connection>> = [
  field('type', 'text', (one) => one.type),
  field('user', 'text', (one) => one.user),
  field('database', 'text', (one) => one.database),
  field('replication', 'text', () => 'none'),
  field('state', 'text', (one) => one.state),
  field('addr', 'text', (one) => one.address),
  field('port', 'int4', (one) => one.port),
  field('local_addr', 'text', () => ''),
  field('local_port', 'int4', () => 0),
  field('connect_time', 'text', (one) => formatTime(one.connectedAtMs)),
  field('request_time', 'text', (one) => formatTime(one.lastRequestAtMs)),
  field('wait', 'int4', (one) => Math.floor(one.waitUs / million)),
  field('wait_us', 'int4', (one) => one.waitUs % million),
  field('close_needed', 'int4', (one) => (one.isClosing ? 1 : 0)),
  field('ptr', 'text', (one) => nameOf(one.type, one.id)),
  field('link', 'text', (one) => one.link),
  field('remote_pid', 'int4', (one) => one.remotePid),
  field('tls', 'text', () => ''),
  field('application_name', 'text', (one) => one.applicationName),
  field('prepared_statements', 'int4', (one) => one.preparedStatements),
  field('id', 'int4', (one) => one.id),
]

/** What PgBouncer tells of its buffers; Node's are not to be seen. */
const bufferColumns = [
  'recv_pos',
  'pkt_pos',
  'pkt_remain',
  'send_pos',
  'send_remain',
  'pkt_avail',
  'send_avail',
].map((name) => field<Connection>(name, 'int4', () => 0))

/** Ours comes last, so that whoever counts PgBouncer's columns from the left finds them. */
export const clientsView = listView<ConsoleState, Connection>(
  [...columns, field('pinned_because', 'text', (one) => one.pinnedBecause)],
  clientsOf,
)

export const serversView = listView<ConsoleState, Connection>(columns, serversOf)

export const socketsView = listView<ConsoleState, Connection>(
  [...columns, ...bufferColumns],
  socketsOf,
)

/** PgBouncer's are those with something in their buffers; ours those for which something is under way. */
export const activeSocketsView = listView<ConsoleState, Connection>(
  [...columns, ...bufferColumns],
  (state) => socketsOf(state).filter((one) => !one.state.endsWith('_idle')),
)

function socketsOf(state: ConsoleState): Connection[] {
  return [
    ...clientsOf(state).map((client) => ({ ...client, state: `cl_${client.state}` })),
    ...serversOf(state).map((server) => ({ ...server, state: `sv_${server.state}` })),
  ]
}

function clientsOf({ visitor, report }: ConsoleState): Connection[] {
  return report.clients.map((client) => ({
    ...ofEitherSide(client),
    type: 'C',
    database: databaseName(visitor, client),
    address: client.address,
    port: client.port,
    waitUs: client.waitUs,
    isClosing: false,
    link: client.serverId === undefined ? '' : nameOf('S', client.serverId),
    remotePid: 0,
    pinnedBecause: client.pinnedBecause.join(', '),
  }))
}

/** Computes are reached by Unix sockets. */
function serversOf({ visitor, report }: ConsoleState): Connection[] {
  return report.servers.map((server) => ({
    ...ofEitherSide(server),
    type: 'S',
    state: server.state === 'opening' ? 'new' : server.state,
    database: databaseName(visitor, server),
    address: 'unix',
    port: 5432,
    waitUs: 0,
    isClosing: server.isRetiring,
    link: server.clientId === undefined ? '' : nameOf('C', server.clientId),
    remotePid: server.remotePid,
    pinnedBecause: '',
  }))
}

function ofEitherSide(one: ClientReport | ServerReport) {
  return {
    user: one.role,
    state: one.state as string,
    connectedAtMs: one.connectedAtMs,
    lastRequestAtMs: one.lastRequestAtMs,
    applicationName: one.applicationName,
    preparedStatements: one.preparedStatements,
    id: one.id,
  }
}

/** Stands for PgBouncer's addresses in memory: the same in `ptr` here and in `link` there. */
function nameOf(type: Connection['type'], id: number): string {
  return `${type}${id}`
}

/** As PgBouncer writes times: `2026-11-24 15:55:08 UTC`. */
function formatTime(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

import { Client, types } from 'pg'
import createSql from 'postgres'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { type ConsoleFixture, startConsole } from '../../testing/console-fixture.ts'
import { until } from '../../testing/until.ts'
import { openTcp, wireClient } from '../../testing/wire-client.ts'
import { shutdownError } from '../errors.ts'
import type { GatewayReport, PoolAdmin, PoolFilter, PoolReport } from '../pool/report.ts'
import { defaultPoolSettings } from '../pool/settings.ts'
import { message, startupMessage } from '../wire/messages.ts'

/** The console over real connections, with pools that are only told of. */

const mine = 'ep-calm-moss-e5f6a7b8'
const other = 'ep-quiet-sea-12345678'
const owner = 'owner'

let report: GatewayReport
let calls: string[]
let endPause: (() => void) | undefined
let fixture: ConsoleFixture

const admin: PoolAdmin = {
  report: async ({ endpointId, database }) => {
    const isChosen = (one: PoolFilter) =>
      (endpointId === undefined || one.endpointId === endpointId) &&
      (database === undefined || one.database === database)
    return {
      pools: report.pools.filter(isChosen),
      clients: report.clients.filter(isChosen),
      servers: report.servers.filter(isChosen),
    }
  },
  pause: async (filter) => {
    calls.push(`pause ${JSON.stringify(filter)}`)
    await new Promise<void>((resolve) => {
      endPause = resolve
    })
  },
  resume: async (filter) => void calls.push(`resume ${JSON.stringify(filter)}`),
  reconnect: async (filter) => void calls.push(`reconnect ${JSON.stringify(filter)}`),
  kill: async (filter) => void calls.push(`kill ${JSON.stringify(filter)}`),
  killClient: async (id, filter) => {
    calls.push(`kill client ${id} ${JSON.stringify(filter)}`)
    return report.clients.some((client) => client.id === id)
  },
  reload: async (filter) => void calls.push(`reload ${JSON.stringify(filter)}`),
}

beforeAll(async () => {
  fixture = await startConsole({
    admin,
    visitors: { coppice: { canAct: true }, [owner]: { endpointId: mine, canAct: false } },
    settings: { ...defaultPoolSettings, default_pool_size: 7 },
  })
})

afterAll(async () => fixture?.stop())

beforeEach(() => {
  calls = []
  endPause = undefined
  report = {
    pools: [pool(mine, 'shop'), pool(other, 'shop')],
    clients: [
      {
        endpointId: mine,
        database: 'shop',
        role: owner,
        id: 12,
        state: 'active',
        via: 'wire',
        applicationName: 'app',
        address: '192.0.2.7',
        port: 50_000,
        connectedAtMs: Date.UTC(2026, 10, 24, 15, 0, 0),
        lastRequestAtMs: Date.UTC(2026, 10, 24, 15, 0, 1),
        waitUs: 0,
        serverId: 3,
        preparedStatements: 2,
        pinnedBecause: ['LISTEN', 'temporary table'],
      },
    ],
    servers: [
      {
        endpointId: mine,
        database: 'shop',
        role: owner,
        id: 3,
        state: 'active',
        applicationName: 'app',
        connectedAtMs: Date.UTC(2026, 10, 24, 15, 0, 0),
        lastRequestAtMs: Date.UTC(2026, 10, 24, 15, 0, 1),
        remotePid: 4711,
        clientId: 12,
        preparedStatements: 2,
        isRetiring: true,
      },
    ],
  }
})

function pool(endpointId: string, database: string): PoolReport {
  return {
    endpointId,
    database,
    role: owner,
    mode: 'transaction',
    settings: defaultPoolSettings,
    isPaused: false,
    clients: { active: 1, waiting: 2, idle: 3, pinned: 1, cancelling: 0 },
    servers: { active: 4, idle: 5, used: 0, opening: 6, cancelling: 0 },
    longestWaitUs: 1_500_000,
    totals: {
      assignments: 10,
      transactions: 20,
      queries: 30,
      bytesReceived: 40,
      bytesSent: 5_000_000_000,
      transactionTimeUs: 60,
      queryTimeUs: 70,
      waitTimeUs: 80,
      parsesByClients: 90,
      parsesOnServers: 100,
      binds: 110,
      serverLogins: 120,
    },
  }
}

async function connect(user = 'coppice'): Promise<Client> {
  const client = new Client(fixture.uri(user))
  await client.connect()
  return client
}

async function withClient<T>(user: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = await connect(user)
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

async function ask(user: string, text: string) {
  return withClient(user, async (client) => client.query(text))
}

const typeNames = new Map<number, string>([
  [types.builtins.TEXT, 'text'],
  [types.builtins.INT4, 'int4'],
  [types.builtins.INT8, 'int8'],
  [types.builtins.NUMERIC, 'numeric'],
  [types.builtins.BYTEA, 'bytea'],
])

/** Names and types of the columns, in PgBouncer 1.25's order; ours is `pinned_because`. */
const connectionColumns =
  'type:text user:text database:text replication:text state:text addr:text port:int4 ' +
  'local_addr:text local_port:int4 connect_time:text request_time:text wait:int4 wait_us:int4 ' +
  'close_needed:int4 ptr:text link:text remote_pid:int4 tls:text application_name:text ' +
  'prepared_statements:int4 id:int4'
const bufferColumns =
  'recv_pos:int4 pkt_pos:int4 pkt_remain:int4 send_pos:int4 send_remain:int4 pkt_avail:int4 send_avail:int4'
const counters =
  'server_assignment_count xact_count query_count bytes_received bytes_sent xact_time query_time ' +
  'wait_time client_parse_count server_parse_count bind_count'
const numeric = (names: string) => names.replaceAll(/\S+/g, (name) => `${name}:numeric`)

test.each([
  [
    'pools',
    'database:text user:text cl_active:int4 cl_waiting:int4 cl_active_cancel_req:int4 ' +
      'cl_waiting_cancel_req:int4 sv_active:int4 sv_active_cancel:int4 sv_being_canceled:int4 ' +
      'sv_idle:int4 sv_used:int4 sv_tested:int4 sv_login:int4 maxwait:int4 maxwait_us:int4 ' +
      'pool_mode:text load_balance_hosts:text',
  ],
  ['clients', `${connectionColumns} pinned_because:text`],
  ['servers', connectionColumns],
  ['sockets', `${connectionColumns} ${bufferColumns}`],
  ['active_sockets', `${connectionColumns} ${bufferColumns}`],
  [
    'stats',
    `database:text ${numeric(
      'total_server_assignment_count total_xact_count total_query_count total_received total_sent ' +
        'total_xact_time total_query_time total_wait_time total_client_parse_count ' +
        'total_server_parse_count total_bind_count avg_server_assignment_count avg_xact_count ' +
        'avg_query_count avg_recv avg_sent avg_xact_time avg_query_time avg_wait_time ' +
        'avg_client_parse_count avg_server_parse_count avg_bind_count',
    )}`,
  ],
  ['stats_totals', `database:text ${numeric(counters)}`],
  ['stats_averages', `database:text ${numeric(counters)}`],
  ['totals', 'name:text value:numeric'],
  [
    'databases',
    'name:text host:text port:int4 database:text force_user:text pool_size:int4 min_pool_size:int4 ' +
      'reserve_pool_size:int4 server_lifetime:int4 pool_mode:text load_balance_hosts:text ' +
      'max_connections:int4 current_connections:int4 max_client_connections:int4 ' +
      'current_client_connections:int4 paused:int4 disabled:int4',
  ],
  [
    'users',
    'name:text pool_size:text reserve_pool_size:text pool_mode:text max_user_connections:int4 ' +
      'current_connections:int4 max_user_client_connections:int4 current_client_connections:int4',
  ],
  ['config', 'key:text value:text default:text changeable:text'],
  ['lists', 'list:text items:int4'],
  ['version', 'version:text'],
  ['state', 'key:text value:text'],
  ['mem', 'name:text size:int4 used:int4 free:int4 memtotal:int4'],
  [
    'fds',
    'fd:int4 task:text user:text database:text addr:text port:int4 cancel:int8 link:int4 ' +
      'client_encoding:text std_strings:text datestyle:text timezone:text password:text ' +
      'scram_client_key:bytea scram_server_key:bytea',
  ],
  ['dns_hosts', 'hostname:text ttl:int8 addrs:text'],
  ['dns_zones', 'zonename:text serial:int8 count:int4'],
  ['peers', 'peer_id:int4 host:text port:int4 pool_size:int4'],
  [
    'peer_pools',
    'peer_id:int4 cl_active_cancel_req:int4 cl_waiting_cancel_req:int4 sv_active_cancel:int4 sv_login:int4',
  ],
])("SHOW %s has PgBouncer's columns", async (name, expected) => {
  const { command, fields } = await ask('coppice', `show ${name};`)
  expect(command).toBe('SHOW')
  const columns = fields.map(({ name: column, dataTypeID }) => {
    return `${column}:${typeNames.get(dataTypeID)}`
  })
  expect(columns.join(' ')).toBe(expected)
})

test('SHOW POOLS tells who waits, and how long', async () => {
  const { rows } = await ask(owner, 'SHOW POOLS')
  expect(rows).toMatchObject([
    {
      database: 'shop',
      user: owner,
      cl_active: 4,
      cl_waiting: 2,
      sv_active: 4,
      sv_idle: 5,
      sv_login: 6,
      maxwait: 1,
      maxwait_us: 500_000,
      pool_mode: 'transaction',
      load_balance_hosts: null,
    },
  ])
})

test('SHOW CLIENTS and SERVERS link each other and say why a client is pinned', async () => {
  const [client] = (await ask(owner, 'SHOW CLIENTS')).rows
  const [server] = (await ask(owner, 'SHOW SERVERS')).rows
  expect(client).toMatchObject({
    type: 'C',
    state: 'active',
    addr: '192.0.2.7',
    connect_time: '2026-11-24 15:00:00 UTC',
    link: server.ptr,
    id: 12,
    pinned_because: 'LISTEN, temporary table',
  })
  expect(server).toMatchObject({
    type: 'S',
    link: client.ptr,
    addr: 'unix',
    remote_pid: 4711,
    close_needed: 1,
  })
})

test('a long table arrives whole, and a client that leaves before its end is no harm', async () => {
  const [client] = report.clients
  if (client === undefined) throw new Error('there is no client')
  report.clients = Array.from({ length: 20_000 }, (_, id) => ({ ...client, id }))
  expect((await ask(owner, 'SHOW CLIENTS')).rows).toHaveLength(20_000)
  const leaving = wireClient(await openTcp(fixture.port))
  leaving.stream.write(startupMessage(new Map([['user', owner]])))
  await leaving.nextUntil('Z')
  leaving.stream.write(query('SHOW CLIENTS'))
  await leaving.next()
  leaving.close()
  expect((await ask(owner, 'SHOW LISTS')).rows).toContainEqual({
    list: 'used_clients',
    items: 20_000,
  })
})

test('SHOW STATS sums the pools of a database', async () => {
  report.pools.push({ ...pool(mine, 'shop'), role: 'reader' })
  const { rows } = await ask(owner, 'SHOW STATS')
  expect(rows).toMatchObject([
    { database: 'shop', total_query_count: '60', total_sent: '10000000000', avg_xact_time: '3' },
  ])
})

test('SHOW CONFIG has what is set beside what is usual', async () => {
  const { rows } = await ask(owner, 'SHOW CONFIG')
  expect(rows).toContainEqual({
    key: 'default_pool_size',
    value: '7',
    default: '25',
    changeable: 'yes',
  })
  expect(rows).toContainEqual(expect.objectContaining({ key: 'max_user_connections', value: '0' }))
})

test('SHOW HELP is a notice', async () => {
  const details: (string | undefined)[] = []
  await withClient(owner, async (client) => {
    client.on('notice', ({ detail }) => details.push(detail))
    await client.query('show help')
  })
  expect(details).toEqual([expect.stringContaining('KILL_CLIENT <client_id>')])
})

test('a visitor of an endpoint sees it alone; the administrator sees all, by endpoint', async () => {
  const namesFor = async (user: string) => {
    const pools = (await ask(user, 'SHOW POOLS')).rows.map((row) => row.database)
    const databases = (await ask(user, 'SHOW DATABASES')).rows.map((row) => row.name)
    const stats = (await ask(user, 'SHOW STATS')).rows.map((row) => row.database)
    return { pools, databases, stats }
  }
  expect(await namesFor(owner)).toEqual({
    pools: ['shop'],
    databases: ['shop'],
    stats: ['shop'],
  })
  const all = [`${mine}/shop`, `${other}/shop`]
  expect(await namesFor('coppice')).toEqual({ pools: all, databases: all, stats: all })
  expect((await ask(owner, 'SHOW MEM')).rows).toEqual([])
})

test.each([
  'PAUSE',
  'PAUSE shop',
  'RESUME',
  'RECONNECT',
  'KILL',
  'KILL_CLIENT 12',
  'RELOAD',
  'SHUTDOWN',
  'SET max_client_conn = 1',
])('a role of an endpoint may not %s', async (command) => {
  // PgBouncer once let every user of its console kill clients.
  await expect(ask(owner, command)).rejects.toMatchObject({
    code: '42501',
    message: expect.stringContaining('admin access needed'),
  })
  expect(calls).toEqual([])
})

test('the administrator acts on a database, an endpoint or all', async () => {
  await withClient('coppice', async (client) => {
    const tags = [
      await client.query(`RECONNECT ${mine}/shop`),
      await client.query(`KILL "${other}"`),
      await client.query('reconnect'),
      await client.query('RELOAD'),
    ].map(({ command }) => command)
    expect(tags).toEqual(['RECONNECT', 'KILL', 'RECONNECT', 'RELOAD'])
    await client.query('KILL_CLIENT 12')
  })
  expect(calls).toEqual([
    `reconnect ${JSON.stringify({ endpointId: mine, database: 'shop' })}`,
    `kill ${JSON.stringify({ endpointId: other })}`,
    'reconnect {}',
    'reload {}',
    'kill client 12 {}',
  ])
})

test.each([
  ['PAUSE nowhere', '3D000', 'no such database: nowhere'],
  ['KILL_CLIENT 99', '42704', 'client 99 not found'],
  ['KILL_CLIENT', '42601', 'needs the number of a client'],
  ['KILL_CLIENT 1; drop', '42704', 'client 1 not found'],
  ['RESUME', '55000', 'not paused'],
  ['SHOW nonsense', '42601', "invalid command 'SHOW nonsense', use SHOW HELP;"],
  ['SHOW', '42601', 'use SHOW HELP'],
  ['SHOW constructor', '42601', 'use SHOW HELP'],
  ['constructor', '42601', 'use SHOW HELP'],
  ['select 1', '42601', "invalid command 'select 1'"],
  ['PAUSE a b', '42601', 'use SHOW HELP'],
  ['BEGIN', '0A000', 'autocommit'],
  ['SHUTDOWN', '0A000', 'coppice down'],
  ['SET pool_mode = session', '0A000', '--pooler'],
])('%s is refused with what to do', async (command, code, text) => {
  await withClient('coppice', async (client) => {
    await expect(client.query(command)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(text),
    })
    // The console goes on.
    expect((await client.query('SHOW VERSION')).rows).toEqual([
      { version: 'PgBouncer 1.25.0 (Coppice 0.0.0)' },
    ])
  })
})

test('several commands run in order, up to the first that fails', async () => {
  const { rows } = await ask('coppice', 'RELOAD; SET extra_float_digits = 3;').then((results) => ({
    rows: [results].flat().map(({ command }) => command),
  }))
  expect(rows).toEqual(['RELOAD', 'SET'])
  calls = []
  await expect(ask('coppice', 'RECONNECT; nonsense; KILL')).rejects.toThrow('invalid command')
  expect(calls).toEqual(['reconnect {}'])
})

test('PAUSE answers once the pools are quiet', async () => {
  await withClient('coppice', async (client) => {
    const paused = client.query('PAUSE')
    await until(() => endPause !== undefined)
    endPause?.()
    expect((await paused).command).toBe('PAUSE')
  })
  expect(calls).toEqual(['pause {}'])
})

test('a PAUSE that is cancelled is taken back', async () => {
  const client = wireClient(await openTcp(fixture.port))
  client.stream.write(startupMessage(new Map([['user', 'coppice']])))
  const greeting = await client.nextUntil('Z')
  const key = greeting.find(({ type }) => type === 'K')?.body ?? Buffer.alloc(8)
  client.stream.write(query('PAUSE'))
  await until(() => endPause !== undefined)
  const canceller = await openTcp(fixture.port)
  canceller.end(Buffer.concat([Buffer.from('00000010' + '04d2162e', 'hex'), key]))
  expect(String((await client.next()).body)).toContain('C57014')
  expect((await client.next()).type).toBe('Z')
  expect(calls).toEqual(['pause {}', 'resume {}'])
  client.close()
})

test('prepared statements work, as drivers send them', async () => {
  const sql = createSql(fixture.uri(owner), { max: 1, fetch_types: false })
  const [row] = await sql`show pools`
  expect(row).toMatchObject({ database: 'shop', cl_active: 4 })
  expect((await sql`show pools`).length).toBe(1)
  await sql.end()
  await withClient(owner, async (client) => {
    const prepared = await client.query({ name: 'p', text: 'show lists', rowMode: 'array' })
    expect(prepared.rows).toContainEqual(['pools', 1])
    await expect(client.query('show $1', ['pools'])).rejects.toThrow("invalid command 'show $1'")
    expect((await client.query('show state')).rows).toHaveLength(3)
  })
})

test('columns come in binary to those who ask for it', async () => {
  const client = wireClient(await openTcp(fixture.port))
  client.stream.write(startupMessage(new Map([['user', owner]])))
  await client.nextUntil('Z')
  const messages = [
    message('P', Buffer.from('\0show totals\0\0\0', 'latin1')),
    message('B', Buffer.from('\0\0\0\0\0\0\0\x01\0\x01', 'latin1')),
    message('D', Buffer.from('P\0')),
    message('E', Buffer.alloc(5)),
    message('S', Buffer.alloc(0)),
  ]
  client.stream.write(Buffer.concat(messages))
  const answers = await client.nextUntil('Z')
  const rows = answers.filter(({ type }) => type === 'D').map(({ body }) => body)
  const name = Buffer.from('total_server_bytes')
  const row = rows.find((body) => body.includes(name))
  // 5,000,000,000: the digits 50, 0 and 0 to the base of 10,000, the first of weight 2.
  const digits = Buffer.from('0003' + '0002' + '0000' + '0000' + '0032' + '0000' + '0000', 'hex')
  expect(row?.subarray(2 + 4 + name.length)).toEqual(Buffer.concat([int32(14), digits]))
  const description = answers.find(({ type }) => type === 'T')
  expect(description?.body.subarray(-2)).toEqual(Buffer.from([0, 1]))
  client.close()
})

test('an Execute with a row limit goes on where it stopped', async () => {
  const client = wireClient(await openTcp(fixture.port))
  client.stream.write(startupMessage(new Map([['user', owner]])))
  await client.nextUntil('Z')
  const execute = message('E', Buffer.from([0, 0, 0, 0, 10]))
  const messages = [
    message('P', Buffer.from('\0show lists\0\0\0', 'latin1')),
    message('B', Buffer.from('\0\0\0\0\0\0\0\0', 'latin1')),
    execute,
    execute,
    message('S', Buffer.alloc(0)),
  ]
  client.stream.write(Buffer.concat(messages))
  const kinds = (await client.nextUntil('Z')).map(({ type }) => type).join('')
  expect(kinds).toBe(`12${'D'.repeat(10)}s${'D'.repeat(4)}CZ`)
  client.close()
})

test('what is no message ends nothing but itself', async () => {
  const client = wireClient(await openTcp(fixture.port))
  client.stream.write(startupMessage(new Map([['user', owner]])))
  await client.nextUntil('Z')
  const malformed = ['P', 'B', 'D', 'E', 'C', '?'].map((type) => message(type, Buffer.from('x')))
  const sync = message('S', Buffer.alloc(0))
  for (const one of malformed) {
    client.stream.write(Buffer.concat([one, sync]))
    expect((await client.next()).type).toBe('E')
    expect((await client.next()).type).toBe('Z')
  }
  client.close()
})

test('a stop of the gateway is told', async () => {
  const ending = await startConsole({ admin, visitors: {} })
  const client = wireClient(await openTcp(ending.port))
  client.stream.write(startupMessage(new Map([['user', owner]])))
  await client.nextUntil('Z')
  ending.abort(shutdownError())
  expect(String((await client.next()).body)).toContain('C57P01')
  client.close()
  await ending.stop()
})

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function query(text: string): Buffer {
  return message('Q', Buffer.from(`${text}\0`))
}

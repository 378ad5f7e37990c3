import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { type ConsoleFixture, startConsole } from '../../testing/console-fixture.ts'
import {
  poolDatabase,
  poolEndpointId,
  type PoolFixture,
  poolRole,
  startPoolFixture,
} from '../../testing/pool-fixture.ts'
import { psql } from '../../testing/psql.ts'
import { findInstallations } from '../../testing/throwaway-postgres.ts'
import { until } from '../../testing/until.ts'

/** The console before real pools, as stock clients see it. */

const name = `${poolEndpointId}/${poolDatabase}`

let pools: PoolFixture
let fixture: ConsoleFixture
let admin: Client

beforeAll(async () => {
  const installation = (await findInstallations()).at(-1)
  if (installation === undefined) throw new Error('there is no PostgreSQL here')
  pools = await startPoolFixture(installation)
  fixture = await startConsole({
    admin: pools.pools,
    visitors: {
      coppice: { canAct: true },
      [poolRole]: { endpointId: poolEndpointId, canAct: false },
      stranger: { endpointId: 'ep-other-one-12345678', canAct: false },
    },
  })
  admin = new Client(fixture.uri())
  await admin.connect()
})

afterAll(async () => {
  await admin?.end()
  await fixture?.stop()
  await pools?.stop()
})

async function connect(applicationName = 'test'): Promise<Client> {
  const client = new Client({ connectionString: pools.uri, application_name: applicationName })
  // A client that is killed hears of it twice, by the error and by the end.
  client.on('error', () => undefined)
  await client.connect()
  return client
}

async function show(what: string): Promise<Record<string, unknown>[]> {
  return (await admin.query(`SHOW ${what}`)).rows
}

async function clientOf(applicationName: string): Promise<Record<string, unknown> | undefined> {
  const clients = await show('CLIENTS')
  return clients.find((client) => client['application_name'] === applicationName)
}

test('psql and node-postgres see clients, servers and what they have done', async () => {
  const client = await connect('app')
  await client.query('begin')
  const { rows } = await client.query('select pg_backend_pid() as pid')
  const [server] = await show('SERVERS')
  const seen = await clientOf('app')
  expect(seen).toMatchObject({
    type: 'C',
    user: poolRole,
    database: name,
    state: 'active',
    link: server?.['ptr'],
    addr: '127.0.0.1',
  })
  expect(server).toMatchObject({ state: 'active', remote_pid: rows[0].pid, link: seen?.['ptr'] })
  await client.query('commit')
  expect(await clientOf('app')).toMatchObject({ state: 'idle', link: '' })
  const { code, stdout } = await psql(fixture.uri(poolRole), 'show pools; show stats_totals')
  expect(code).toBe(0)
  const [pool, stats] = stdout.trim().split('\n')
  expect(pool).toMatch(new RegExp(`^${poolDatabase}\\|${poolRole}\\|1\\|0\\|.*\\|transaction\\|$`))
  const [database, assignments, transactions, queries] = stats?.split('|') ?? []
  expect(database).toBe(poolDatabase)
  expect(Number(assignments)).toBeGreaterThanOrEqual(1)
  expect(Number(transactions)).toBeGreaterThanOrEqual(1)
  expect(Number(queries)).toBeGreaterThanOrEqual(3)
  await client.end()
})

test('PAUSE waits for open transactions and holds new ones until RESUME', async () => {
  const busy = await connect('busy')
  const other = await connect('other')
  await busy.query('begin')
  const done: string[] = []
  const paused = admin.query(`PAUSE ${name}`).then(() => done.push('paused'))
  const watcher = new Client(fixture.uri())
  await watcher.connect()
  const isPaused = async () => (await watcher.query('SHOW DATABASES')).rows[0].paused === 1
  await until(isPaused)
  const held = other.query('select 1').then(() => done.push('selected'))
  const state = async () => {
    const { rows } = await watcher.query('SHOW CLIENTS')
    return rows.find((client) => client.application_name === 'other')?.state
  }
  await until(async () => (await state()) === 'waiting')
  expect(done).toEqual([])
  await busy.query('commit')
  await paused
  expect(done).toEqual(['paused'])
  expect(await state()).toBe('waiting')
  await admin.query(`RESUME ${name}`)
  await held
  expect(done).toEqual(['paused', 'selected'])
  for (const client of [busy, other, watcher]) await client.end()
})

test('KILL_CLIENT ends a client, and rolls back what it has begun', async () => {
  const victim = await connect('victim')
  await victim.query('begin')
  await victim.query('create table lost (id int)')
  const told = new Promise<Error>((resolve) => {
    victim.once('error', resolve)
  })
  const client = await clientOf('victim')
  const mine = new Client(fixture.uri(poolRole))
  await mine.connect()
  await expect(mine.query(`KILL_CLIENT ${String(client?.['id'])}`)).rejects.toMatchObject({
    code: '42501',
  })
  expect(await clientOf('victim')).toMatchObject({ state: 'active' })
  await mine.end()
  await admin.query(`KILL_CLIENT ${String(client?.['id'])}`)
  expect(await told).toMatchObject({ code: '57P01' })
  await until(async () => (await clientOf('victim')) === undefined)
  const after = await connect()
  const { rows } = await after.query(`select to_regclass('lost') as found`)
  expect(rows).toEqual([{ found: null }])
  await after.end()
})

test('a role of another endpoint sees nothing of this one', async () => {
  const client = await connect()
  const stranger = new Client(fixture.uri('stranger'))
  await stranger.connect()
  const views = ['POOLS', 'CLIENTS', 'SERVERS', 'STATS', 'DATABASES', 'USERS', 'SOCKETS']
  for (const view of views) {
    const { rows } = await stranger.query(`SHOW ${view}`)
    expect({ view, rows }).toEqual({ view, rows: [] })
  }
  await stranger.end()
  await client.end()
})

test('RECONNECT closes server connections once nobody has them', async () => {
  const client = await connect()
  const backend = async () => (await client.query('select pg_backend_pid() as pid')).rows[0].pid
  await client.query('begin')
  const before = await backend()
  await admin.query('RECONNECT')
  const servers = await show('SERVERS')
  expect(servers.find((one) => one['remote_pid'] === before)).toMatchObject({ close_needed: 1 })
  expect(await backend()).toBe(before)
  await client.query('commit')
  expect(await backend()).not.toBe(before)
  await client.end()
})

test('RELOAD takes settings at once', async () => {
  const client = await connect()
  await client.query('select 1')
  const access = pools.controlPlane.endpoints.get(poolEndpointId)
  if (access === undefined) throw new Error('the endpoint is not there')
  pools.controlPlane.endpoints.set(poolEndpointId, {
    ...access,
    poolerSettings: { default_pool_size: '7' },
  })
  await admin.query('RELOAD')
  expect(await show('DATABASES')).toMatchObject([{ name, pool_size: 7 }])
  await client.end()
})

test('SHOW CLIENTS says why a client is pinned', async () => {
  const client = await connect('listener')
  await client.query('listen news')
  await until(async () => (await clientOf('listener'))?.['pinned_because'] !== '')
  const seen = await clientOf('listener')
  expect(seen).toMatchObject({ state: 'active', pinned_because: expect.stringMatching(/listen/i) })
  await client.query('unlisten *')
  await until(async () => (await clientOf('listener'))?.['pinned_because'] === '')
  await client.end()
})

import { join } from 'node:path'

import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'

import {
  isAlive,
  psql,
  repository,
  run,
  startTestPlatform,
  type TestPlatform,
  until,
} from './platform.ts'

/** The gateway in two processes of its own: what they share, and what happens when one ends. */
let platform: TestPlatform
const clients: Client[] = []

beforeAll(async () => {
  platform = await startTestPlatform({ env: { COPPICE_GATEWAY_WORKERS: '2' } })
  await psql(platform.connectionUri, 'CREATE TABLE visits (n int)')
})

afterAll(async () => {
  await Promise.all(clients.map(async (client) => client.end().catch(() => undefined)))
  await platform?.remove()
})

interface GatewayWorker {
  pid: number
  state: string
  sessions: number
}

async function gateway(action: 'status' | 'restart'): Promise<GatewayWorker[]> {
  const program = join(repository, 'packages', 'server', 'dist', 'main.js')
  const output = await run(process.execPath, [program, 'gateway', action], { env: platform.env })
  return (JSON.parse(output) as { workers: GatewayWorker[] }).workers
}

async function servingPids(): Promise<number[]> {
  const workers = await gateway('status')
  return workers.filter(({ state }) => state === 'serving').map(({ pid }) => pid)
}

/** The process of the only client, once others that have left are gone. */
async function holderPid(): Promise<number> {
  let found: GatewayWorker[] = []
  await until(async () => {
    found = (await gateway('status')).filter(({ sessions }) => sessions > 0)
    return found.length === 1 && found[0]?.sessions === 1
  }, 'one client is there')
  return found[0]?.pid ?? 0
}

async function connect(port = platform.directPort): Promise<Client> {
  const uri = new URL(platform.connectionUri)
  const client = new Client({
    host: '127.0.0.1',
    port,
    user: uri.username,
    password: uri.password,
    database: 'neondb',
    options: uri.searchParams.get('options') ?? '',
    ssl: { rejectUnauthorized: false },
  })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

/** A client that stays until the end of the tests. */
async function stay(port?: number): Promise<Client> {
  const client = await connect(port)
  clients.push(client)
  return client
}

async function ask(client: Client, sql: string): Promise<unknown> {
  const { rows } = await client.query<{ value: unknown }>(`SELECT (${sql}) AS value`)
  return rows[0]?.value
}

async function leaveAll(): Promise<void> {
  await Promise.all(clients.splice(0).map(async (client) => client.end()))
}

test('both processes take clients, on both ports', async () => {
  expect(await servingPids()).toHaveLength(2)
  await until(async () => {
    // Which of them the kernel wakes for a client is its own affair.
    await stay(platform.directPort)
    await stay(platform.pooledPort)
    return (await gateway('status')).every(({ sessions }) => sessions > 0)
  }, 'both have clients')
  for (const [at, client] of clients.entries()) expect(await ask(client, String(at))).toBe(at)
  await leaveAll()
})

test('what a client has begun survives the death of the daemon, and the next one serves', async () => {
  const staying = await stay()
  await staying.query('CREATE TEMPORARY TABLE mine AS SELECT 42 AS n')
  const before = await servingPids()
  const holder = await holderPid()
  await platform.kill()
  expect(await ask(staying, 'SELECT n FROM mine')).toBe(42)
  await until(
    async () => before.every((pid) => pid === holder || !isAlive(pid)),
    'the process without clients has ended',
  )
  await platform.up()
  const after = await servingPids()
  expect(after).toHaveLength(2)
  expect(after).not.toContain(holder)
  expect(await psql(platform.connectionUri, 'SELECT 1')).toBe('1')
  expect(await ask(staying, 'SELECT n FROM mine')).toBe(42)
  await leaveAll()
  await until(async () => !isAlive(holder), 'it ends with its last client')
})

test('down ends what earlier daemons have left', async () => {
  const staying = await stay()
  const holder = await holderPid()
  const told = new Promise<unknown>((resolve) => staying.on('error', resolve))
  await platform.kill()
  await platform.down()
  // Whoever has become its parent has yet to notice.
  await until(async () => !isAlive(holder), 'the process has ended')
  expect(await told).toMatchObject({ code: '57P01' })
  clients.length = 0
  await platform.up()
})

test('a process that is killed is replaced, and the daemon stays', async () => {
  const daemon = (await platform.client.getPlatformStatus({})).pid
  const before = await servingPids()
  for (const pid of before) process.kill(pid, 'SIGKILL')
  // What is not served yet waits for the processes that take their places.
  expect(await psql(platform.connectionUri, 'SELECT 1')).toBe('1')
  await until(async () => (await servingPids()).length === 2, 'both are replaced')
  expect((await servingPids()).some((pid) => before.includes(pid))).toBe(false)
  expect((await platform.client.getPlatformStatus({})).pid).toBe(daemon)
})

test('no connection is refused and no short session cut while the processes are restarted', async () => {
  const before = await servingPids()
  const inTransaction = await stay()
  await inTransaction.query('BEGIN')
  await inTransaction.query('INSERT INTO visits VALUES (0)')
  let isOver = false
  let visits = 0
  const visit = async (port: number): Promise<void> => {
    while (!isOver) {
      const client = await connect(port)
      await client.query('INSERT INTO visits VALUES (1)')
      await client.end()
      visits++
    }
  }
  const load = Promise.all(
    [platform.directPort, platform.pooledPort].flatMap((port) => [visit(port), visit(port)]),
  )
  await until(async () => visits >= 20, 'there is load')
  const serving = (await gateway('restart')).filter(({ state }) => state === 'serving')
  const atRestart = visits
  expect(serving).toHaveLength(2)
  expect(serving.some(({ pid }) => before.includes(pid))).toBe(false)
  await until(async () => visits >= atRestart + 20, 'the load goes on')
  isOver = true
  await load
  // What is in a transaction has time to end it.
  await inTransaction.query('COMMIT')
  expect(await psql(platform.connectionUri, 'SELECT count(*) FROM visits WHERE n = 1')).toBe(
    String(visits),
  )
  expect(await psql(platform.connectionUri, 'SELECT count(*) FROM visits WHERE n = 0')).toBe('1')
  await until(async () => !before.some(isAlive), 'the old processes have ended')
})

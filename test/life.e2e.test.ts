import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { isAlive, psql, startTestPlatform, type TestPlatform, until } from './platform.ts'

/** Sleep, wake, death and restart, through the doors that a user has. */
let platform: TestPlatform

beforeAll(async () => {
  platform = await startTestPlatform()
  await psql(platform.connectionUri, 'CREATE TABLE kept AS SELECT 1 AS n')
})

afterAll(async () => {
  await platform?.remove()
})

async function mainCompute(): Promise<{ endpoint_id: string; pid?: number; state: string }> {
  const { computes } = await platform.client.getPlatformStatus({})
  const compute = computes.find((one) => one.branch_name === 'main')
  if (compute === undefined) throw new Error('main has no compute')
  const { endpoint_id, pid, current_state: state } = compute
  return { endpoint_id, state, ...(pid !== undefined && { pid }) }
}

test('a compute suspends when nobody uses it and wakes on the next connection', async () => {
  const { endpoint_id } = await mainCompute()
  const path = { project_id: platform.projectId, endpoint_id }
  await platform.client.updateProjectEndpoint({
    path,
    body: { endpoint: { suspend_timeout_seconds: 1 } },
  })
  await psql(platform.connectionUri, 'SELECT 1')
  await until(async () => (await mainCompute()).state === 'idle', 'the compute suspends')
  const { endpoint } = await platform.client.getProjectEndpoint({ path })
  expect(endpoint).toMatchObject({ current_state: 'idle', suspended_at: expect.any(String) })
  expect(await platform.postmasters()).toEqual([])
  expect(await psql(platform.connectionUri, 'SELECT n FROM kept')).toBe('1')
  await platform.client.updateProjectEndpoint({
    path,
    body: { endpoint: { suspend_timeout_seconds: 300 } },
  })
})

test('a pooled client stays connected while its compute sleeps, and its next query wakes it', async () => {
  const { endpoint_id } = await mainCompute()
  const client = await connectPooled()
  try {
    await client.query(`SET application_name = 'patient'`)
    const { rows: before } = await client.query('SELECT pg_backend_pid() AS pid')
    await platform.client.suspendProjectEndpoint({
      path: { project_id: platform.projectId, endpoint_id },
    })
    expect(await platform.postmasters()).toEqual([])
    const { rows: after } = await client.query(
      `SELECT pg_backend_pid() AS pid, current_setting('application_name') AS name`,
    )
    expect(after).toEqual([{ pid: expect.any(Number), name: 'patient' }])
    expect(after[0]?.pid).not.toBe(before[0]?.pid)
  } finally {
    await client.end()
  }
})

/** By the pooled port, and TLS as always. */
async function connectPooled(): Promise<Client> {
  const uri = new URL(platform.connectionUri)
  const client = new Client({
    host: '127.0.0.1',
    port: platform.pooledPort,
    user: decodeURIComponent(uri.username),
    password: decodeURIComponent(uri.password),
    database: uri.pathname.slice(1),
    options: `endpoint=${(await mainCompute()).endpoint_id}`,
    ssl: { ca: await readFile(platform.caFile, 'utf8'), servername: 'localhost' },
  })
  await client.connect()
  return client
}

test('a wrong password does not wake it', async () => {
  const { endpoint_id } = await mainCompute()
  await platform.client.suspendProjectEndpoint({
    path: { project_id: platform.projectId, endpoint_id },
  })
  const wrong = platform.connectionUri.replace(/:[^:@/]+@/, ':wrong@')
  await expect(psql(wrong, 'SELECT 1')).rejects.toThrow(
    `password authentication failed for user 'neondb_owner'`,
  )
  expect((await mainCompute()).state).toBe('idle')
})

test('computes outlive a killed daemon and are adopted by the next', async () => {
  await psql(platform.connectionUri, 'INSERT INTO kept VALUES (2)')
  const { pid } = await mainCompute()
  await platform.kill()
  expect(isAlive(pid ?? 0)).toBe(true)
  await platform.up()
  expect((await mainCompute()).pid).toBe(pid)
  expect(await psql(platform.connectionUri, 'SELECT sum(n) FROM kept')).toBe('3')
})

test('down stops everything, and what was written is there after up', async () => {
  await platform.down()
  expect(await platform.postmasters()).toEqual([])
  await platform.up()
  expect(await psql(platform.connectionUri, 'SELECT sum(n) FROM kept')).toBe('3')
})

test('what was committed survives kill -9 of the postmaster', async () => {
  await psql(platform.connectionUri, 'INSERT INTO kept VALUES (4)')
  const { pid } = await mainCompute()
  process.kill(pid ?? 0, 'SIGKILL')
  await until(async () => {
    const compute = await mainCompute()
    return compute.state === 'active' && compute.pid !== pid
  }, 'the compute recovers by itself')
  expect(await psql(platform.connectionUri, 'SELECT sum(n) FROM kept')).toBe('7')
})

test('connections work while the store is dead, and it comes back by itself', async () => {
  const pidFile = join(platform.home, 'store', 'pgdata', 'postmaster.pid')
  const storePid = async (): Promise<number> =>
    Number.parseInt(await readFile(pidFile, 'utf8').catch(() => '0'), 10)
  const killed = await storePid()
  process.kill(killed, 'SIGKILL')
  expect(await psql(platform.connectionUri, 'SELECT count(*) FROM kept')).toBe('3')
  await until(async () => {
    const projects = await platform.client.listProjects({ query: {} }).catch(() => undefined)
    return projects !== undefined && (await storePid()) !== killed
  }, 'the store is back')
})

test('host names work by SNI, with the server verified', async () => {
  const { endpoint_id } = await mainCompute()
  const { password, username } = new URL(platform.connectionUri)
  const settings = [
    `host=${endpoint_id}.coppice.localhost`,
    'hostaddr=127.0.0.1',
    `port=${platform.directPort}`,
    `user=${username}`,
    `password=${password}`,
    'dbname=neondb',
    'sslmode=verify-full',
    `sslrootcert=${platform.caFile}`,
    'channel_binding=require',
  ].join(' ')
  expect(await psql(settings, 'SELECT count(*) FROM kept')).toBe('3')
  const pooled = settings
    .replace('.coppice', '-pooler.coppice')
    .replace(`port=${platform.directPort}`, `port=${platform.pooledPort}`)
  expect(await psql(pooled, 'SELECT count(*) FROM kept')).toBe('3')
})

test('roles made and changed by SQL can log in, also to a compute that sleeps', async () => {
  await psql(
    platform.connectionUri,
    `CREATE ROLE reader LOGIN PASSWORD 'first secret'; GRANT SELECT ON kept TO reader`,
  )
  const as = (password: string): string => {
    const uri = new URL(platform.connectionUri)
    uri.username = 'reader'
    uri.password = password
    return uri.href
  }
  expect(await psql(as('first secret'), 'SELECT count(*) FROM kept')).toBe('3')
  await psql(platform.connectionUri, `ALTER ROLE reader PASSWORD 'second secret'`)
  await expect(psql(as('first secret'), 'SELECT 1')).rejects.toThrow('password authentication')
  const { endpoint_id } = await mainCompute()
  await platform.client.suspendProjectEndpoint({
    path: { project_id: platform.projectId, endpoint_id },
  })
  expect(await psql(as('second secret'), 'SELECT count(*) FROM kept')).toBe('3')
})

test('no secret is in the log, in the process list or in what is left in the state directory', async () => {
  const { password } = new URL(platform.connectionUri)
  const log = await readFile(join(platform.home, 'logs', 'daemon.log'), 'utf8')
  const files = await platform.shell(
    `grep -rlF -- '${password}' "$COPPICE_HOME"/*.json "$COPPICE_HOME"/computes "$COPPICE_HOME"/logs "$COPPICE_HOME"/store || true`,
  )
  const processes = await platform.shell(
    '{ cat /proc/[0-9]*/cmdline 2>/dev/null || true; } | tr "\\0" " "',
  )
  expect(log).not.toContain(password)
  expect(log).not.toContain(platform.apiKey)
  expect(files).toBe('')
  // The grep above has ended; this shell's own command line does not carry it.
  expect(processes).not.toContain(password)
})

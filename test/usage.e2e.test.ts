import { join } from 'node:path'

import type { Project } from '@coppice/api'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { psql, repository, run, startTestPlatform, type TestPlatform, until } from './platform.ts'

/** What is counted at the real doors, and what a quota does there. */
let platform: TestPlatform

beforeAll(async () => {
  platform = await startTestPlatform({ env: { COPPICE_GATEWAY_WORKERS: '2' } })
})

afterAll(async () => {
  await platform?.remove()
})

const megabyte = 1_000_000
const selectMegabyte = `SELECT repeat('x', ${megabyte}) AS text`

async function getProject(): Promise<Project> {
  const { project } = await platform.client.getProject({ path: { project_id: platform.projectId } })
  return project
}

async function setQuota(quota: Record<string, number>): Promise<void> {
  await platform.client.updateProject({
    path: { project_id: platform.projectId },
    body: { project: { settings: { quota } } },
  })
}

async function connect(port: number): Promise<Client> {
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

/** Through one of the ports, by whichever process of the gateway. */
async function query(port: number, sql = selectMegabyte): Promise<void> {
  const client = await connect(port)
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

/** SQL over HTTP; answers the body. */
async function post(sql: string): Promise<string> {
  return run('curl', [
    '-sk',
    `https://127.0.0.1:${platform.sqlPort}/sql`,
    '-H',
    `Neon-Connection-String: ${platform.connectionUri}`,
    '-d',
    JSON.stringify({ query: sql, params: [] }),
  ])
}

/** What is counted once it is so much; it takes two rounds of collecting. */
async function transferred(atLeast: number): Promise<number> {
  let bytes = 0
  await until(
    async () => {
      bytes = (await getProject()).data_transfer_bytes
      return bytes >= atLeast
    },
    `${atLeast} bytes are counted`,
    60_000,
  )
  return bytes
}

test('bytes are counted once, whichever door and process they go through', async () => {
  // Several times, since either process may take the client, and one of them has the pool.
  for (let round = 0; round < 3; round++) {
    await query(platform.directPort)
    await query(platform.pooledPort)
    expect((await post(selectMegabyte)).length).toBeGreaterThan(megabyte)
  }
  const bytes = await transferred(9 * megabyte)
  expect(bytes).toBeLessThan(9.2 * megabyte)
})

test('Prometheus is told the same, with a key, and so is `metrics`', async () => {
  const url = new URL('/metrics', platform.apiUrl)
  const keyFile = join(platform.home, 'api-key')
  expect((await fetch(url)).status).toBe(401)
  const scrape = async () =>
    run('bash', ['-c', `curl -sf -H "Authorization: Bearer $(cat ${keyFile})" ${url.href}`])
  const series = /^coppice_compute_sent_bytes_total\{.*branch="main".*\} (\S+)$/m
  let text = ''
  await until(
    async () => {
      text = await scrape()
      return Number(series.exec(text)?.[1] ?? 0) > 9 * megabyte
    },
    'the bytes are sampled',
    60_000,
  )
  expect(Number(series.exec(text)?.[1])).toBeLessThan(9.2 * megabyte)
  expect(text).toMatch(/^coppice_platform_gateway_memory_bytes [1-9]/m)
  expect(text).toMatch(/^coppice_compute_pool_servers_idle\{.*\} [1-9]/m)
  expect(await platform.shell('coppice metrics main')).toMatch(/^sent_bytes\/s +\d/m)
  expect(await platform.shell('coppice metrics --platform')).toMatch(/^daemon_memory_bytes +\d/m)
  expect(await platform.shell('coppice inspect db database-sizes --all')).toMatch(/^main +neondb/m)
})

test('a daemon that is killed loses nothing of the computes that go on', async () => {
  const before = await getProject()
  await psql(platform.connectionUri, 'CREATE TABLE t AS SELECT n FROM generate_series(1, 50000) n')
  const staying = await connect(platform.directPort)
  await platform.kill()
  await staying.query('SELECT pg_sleep(3)')
  await staying.end()
  await platform.up()
  await until(
    async () => {
      const { active_time_seconds: active, written_data_bytes: written } = await getProject()
      return active >= before.active_time_seconds + 3 && written > before.written_data_bytes
    },
    'what went on is counted',
    60_000,
  )
  expect((await getProject()).data_transfer_bytes).toBeGreaterThanOrEqual(
    before.data_transfer_bytes,
  )
})

const refusal =
  /endpoint is temporarily unavailable. Check your quotas .*data_transfer_bytes of project/

test('a quota that is used up closes every door, and opens them again when it is raised', async () => {
  const endpoints = await platform.client.listProjectEndpoints({
    path: { project_id: platform.projectId },
  })
  const path = { project_id: platform.projectId, endpoint_id: endpoints.endpoints[0]?.id ?? '' }
  const staying = query(platform.directPort, 'SELECT pg_sleep(600)').catch(
    (error: unknown) => error,
  )
  await setQuota({ data_transfer_bytes: (await getProject()).data_transfer_bytes + 2 * megabyte })
  await query(platform.directPort)
  await query(platform.directPort)
  await until(
    async () =>
      (await platform.client.getProjectEndpoint({ path })).endpoint.current_state === 'idle',
    'its compute is suspended',
    60_000,
  )
  expect(await staying).toMatchObject({ code: '57P01' })
  for (const port of [platform.directPort, platform.pooledPort]) {
    await expect(query(port)).rejects.toMatchObject({ code: '53400', message: refusal })
  }
  expect(await post('SELECT 1')).toMatch(refusal)
  await expect(platform.client.startProjectEndpoint({ path })).rejects.toMatchObject({
    status: 422,
    code: 'quota_exceeded',
  })
  await platform.kill()
  await platform.up()
  await expect(query(platform.directPort)).rejects.toMatchObject({ code: '53400' })
  await setQuota({ data_transfer_bytes: 0 })
  expect(await psql(platform.connectionUri, 'SELECT count(*) FROM t')).toBe('50000')
})

test('a branch over its size quota takes no writes through any door, and goes on when it may', async () => {
  const insert = 'INSERT INTO t VALUES (0)'
  const clients = await Promise.all([platform.directPort, platform.pooledPort].map(connect))
  const outcomes = async (): Promise<string[]> => [
    ...(await Promise.all(
      clients.map(async (client) => {
        const outcome: unknown = await client.query(insert).catch((error: unknown) => error)
        return outcome instanceof Error ? outcome.message : 'written'
      }),
    )),
    (JSON.parse(await post(insert)) as { message?: string }).message ?? 'written',
  ]
  const refused = 'cannot execute INSERT in a read-only transaction'
  expect(await outcomes()).toEqual(['written', 'written', 'written'])
  await setQuota({ logical_size_bytes: 1_000_000 })
  await until(
    async () => (await outcomes()).every((outcome) => outcome === refused),
    'nothing is written',
  )
  await setQuota({ logical_size_bytes: 0 })
  await until(
    async () => (await outcomes()).every((outcome) => outcome === 'written'),
    'all is written',
  )
  await Promise.all(clients.map(async (client) => client.end()))
})

test('Neon’s own command line finds what PostgreSQL has logged', async () => {
  await expect(psql(platform.connectionUri, 'SELECT 1/0')).rejects.toThrow('division by zero')
  const neon = join(repository, 'test', 'clients', 'node_modules', '.bin', 'neon')
  const args = [
    '--api-host',
    platform.apiUrl,
    '--api-key',
    platform.apiKey,
    '--config-dir',
    join(platform.home, 'neon'),
    '--no-analytics',
    '-o',
    'json',
    '--project-id',
    platform.projectId,
  ]
  const output = await run(neon, ['logs', 'query', '--minimum-severity', 'error', ...args], {
    env: platform.env,
  })
  const { logs } = JSON.parse(output) as { logs: { message: string; severity_text: string }[] }
  expect(logs.map(({ message }) => message)).toContain('division by zero')
  const fields = await run(neon, ['logs', 'field-values', 'severity_text', ...args], {
    env: platform.env,
  })
  expect((JSON.parse(fields) as { values: string[] }).values).toContain('ERROR')
  await expect(
    run(neon, ['logs', 'field-values', 'colour', ...args], { env: platform.env }),
  ).rejects.toThrow(/Unknown log field "colour"/)
})

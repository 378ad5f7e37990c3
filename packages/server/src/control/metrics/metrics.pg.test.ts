import { computeFigures, type ComputeSample } from '@coppice/api'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'

import type { Compute } from '../../compute/compute.ts'
import { connectAs, type Login } from '../../compute/testing/clients.ts'
import { must } from '../../lib/assert.ts'
import { notAsked, startTestControl, type TestControl } from '../../testing/control.ts'
import { until } from '../../testing/until.ts'
import { createApiKey } from '../api-keys.ts'
import { createHandlers } from '../http/handlers.ts'
import { createHttpServer } from '../http/server.ts'
import { recordComputeSamples, thinSamples } from '../store/metrics.ts'
import { TimeTravel } from '../time-travel.ts'
import { createExposition } from './exposition.ts'
import { emptyFigures } from './figures.ts'
import { type GatewayLook, MetricsSampler } from './sampler.ts'

/** From what computes do to what the API and Prometheus are told: a real store, real computes. */
let control: TestControl
let sampler: MetricsSampler
let compute: Compute
let login: Login
let path: { project_id: string; branch_id: string }
const wakeSeconds: number[] = []
/** Clients that wait for the pool. */
let waiting = 2

/** A gateway that is only told of. */
const gateway: GatewayLook = {
  pools: async () =>
    new Map([
      [
        compute.spec.endpointId,
        {
          pool_clients_active: 1,
          pool_clients_waiting: waiting,
          pool_clients_idle: 3,
          pool_servers_active: 4,
          pool_servers_idle: 5,
          pool_wait_seconds: 0.5,
        },
      ],
    ]),
  processes: async () => ({ gateway_sessions: 6, gateway_memory_bytes: 7 }),
}

beforeAll(async () => {
  control = await startTestControl()
  sampler = new MetricsSampler(control.context)
  const made = await control.client.createProject({ body: { project: { name: 'shop' } } })
  path = { project_id: made.project.id, branch_id: made.branch.id }
  const endpointId = made.endpoints[0]?.id ?? ''
  compute = must(control.context.host.get(endpointId), 'the project has a compute')
  const role = must(made.roles[0], 'a project has an owner')
  login = { role: role.name, password: role.password ?? '', database: 'neondb' }
  await compute.suspend({ force: true })
  await sampler.start(gateway)
  sampler.onWake((seconds) => wakeSeconds.push(seconds))
})

afterAll(async () => {
  await sampler?.stop()
  await control?.close()
})

async function samples(query = {}): Promise<ComputeSample[]> {
  const { endpoints } = await control.client.getProjectBranchMetrics({ path, query })
  expect(endpoints).toMatchObject([{ endpoint_id: compute.spec.endpointId, type: 'read_write' }])
  return endpoints[0]?.samples ?? []
}

/** Of all that has been written. */
async function total(): Promise<ComputeSample> {
  const [row] = await samples({
    step: 86_400,
    from: new Date(Date.now() - 86_400_000).toISOString(),
  })
  return must(row, 'something was sampled')
}

test('a compute that sleeps is not woken, and has no samples', async () => {
  await sampler.sampleComputes()
  expect(compute.state).toBe('idle')
  expect(await samples()).toEqual([])
})

test('a wake, what is connected and what was done are told', async () => {
  const { socketPath } = await compute.wake()
  const sql = connectAs(socketPath, login)
  try {
    await sql`create table seen (id int)`
    await sampler.sampleComputes()
    await sql`insert into seen select generate_series(1, 1000)`
    await sql`update seen set id = id + 1 where id <= 10`
    await sql`select pg_stat_force_next_flush()`.catch(() => undefined)
    sampler.countSent(compute.spec.endpointId, 1234)
  } finally {
    // What a session has counted is told at its end at the latest.
    await sql.end()
  }
  const other = connectAs(socketPath, login)
  await other`begin`
  await until(async () => {
    await sampler.sampleComputes()
    const { tup_inserted: inserted, tup_updated: updated } = await total()
    // The catalogs have rows too.
    return inserted >= 1000 && updated >= 10
  })
  const seen = await total()
  expect(seen.tup_inserted).toBeLessThan(2000)
  await other.end()
  expect(seen).toMatchObject({
    wakes: 1,
    failed_wakes: 0,
    sent_bytes: 1234,
    connections_idle_in_transaction: 1,
    pool_clients_waiting: 2,
    pool_wait_seconds: 0.5,
  })
  expect(wakeSeconds).toHaveLength(1)
  expect(seen.wake_seconds).toBeCloseTo(wakeSeconds[0] ?? 0, 3)
  for (const name of [
    'awake_seconds',
    'cpu_seconds',
    'memory_bytes',
    'database_bytes',
    'max_connections',
    'xact_commit',
    'blks_hit',
    'wal_bytes',
    'longest_transaction_seconds',
  ] as const) {
    expect([name, seen[name] > 0]).toEqual([name, true])
  }
})

test('a look is no use of the compute, and one that nobody uses is seldom looked at', async () => {
  waiting = 0
  await sampler.sampleComputes()
  const before = compute.lastActiveAt
  const peek = vi.spyOn(compute, 'peek')
  await sampler.sampleComputes()
  expect(peek).not.toHaveBeenCalled()
  peek.mockRestore()
  expect(compute.lastActiveAt).toEqual(before)
  expect(await compute.activity()).toEqual([])
})

test('a server that does not answer is left out, and costs the others nothing', async () => {
  vi.spyOn(compute, 'peek').mockRejectedValueOnce(new Error('gone'))
  compute.openSession({ role: 'a', database: 'b', applicationName: '' }).end()
  await expect(sampler.sampleComputes()).resolves.toBeUndefined()
})

test('the platform is sampled, with what has been counted since the last time', async () => {
  await sampler.samplePlatform()
  const { samples: rows, step_seconds } = await control.client.getPlatformMetrics({ query: {} })
  expect(step_seconds).toBe(30)
  const sums = rows.reduce((sum, row) => sum + row.wakes, 0)
  expect(sums).toBe(1)
  expect(rows.at(-1)).toMatchObject({
    projects: 1,
    branches: 1,
    computes: 1,
    computes_awake: 1,
    gateway_sessions: 6,
    gateway_memory_bytes: 7,
  })
  expect(rows.at(-1)?.pool_used_bytes).toBeGreaterThan(0)
})

test('what has gone to sleep is told once more, as nothing', async () => {
  await compute.suspend({ force: true })
  const endpoint = compute.spec.endpointId
  await sampler.sampleComputes()
  const [row] = await control.context.store`
    select memory_bytes, connections_idle, awake_seconds > 0 as was_awake
    from compute_samples where endpoint_id = ${endpoint} order by at desc limit 1`
  expect(row).toEqual({ memory_bytes: 0, connections_idle: 0, was_awake: true })
  const count = async () =>
    (await control.context.store`select from compute_samples where endpoint_id = ${endpoint}`).count
  const before = await count()
  await sampler.sampleComputes()
  expect(await count()).toBe(before)
})

test('old samples are joined to longer steps without losing what was counted, then forgotten', async () => {
  const { store } = control.context
  const hour = 3_600_000
  const sample = { ...emptyFigures(computeFigures), endpoint_id: compute.spec.endpointId }
  const insert = async (ageMs: number, changes: Partial<typeof sample>) =>
    recordComputeSamples(store, new Date(Date.now() - ageMs), [{ ...sample, ...changes }])
  for (let at = 0; at < 40; at++) {
    await insert(7 * hour + at * 15_000, { xact_commit: 2, memory_bytes: at })
    await insert(72 * hour + at * 15_000, { xact_commit: 3, memory_bytes: at })
  }
  await insert(15 * 24 * hour, { xact_commit: 1 })
  await thinSamples(store)
  await thinSamples(store)
  const found = await store<{ tier: number; rows: number; commits: number; highest: number }[]>`
    select tier, count(*) as rows, sum(xact_commit::float8) as commits, max(memory_bytes) as highest
    from compute_samples where at < now() - interval '6 hours 1 minute' group by 1 order by 1`
  expect(found.map(({ tier, commits, highest }) => ({ tier, commits, highest }))).toEqual([
    { tier: 1, commits: 80, highest: 39 },
    { tier: 2, commits: 120, highest: 39 },
  ])
  expect(found[0]?.rows).toBeLessThanOrEqual(11)
  expect(found[1]?.rows).toBeLessThanOrEqual(2)
})

test('a range is no longer than what is kept, in steps that are kept', async () => {
  const day = 86_400_000
  const ask = async (query: object) => control.client.getProjectBranchMetrics({ path, query })
  const long = await ask({ from: '2020-01-01T00:00:00Z', to: '2999-01-01T00:00:00Z', step: 15 })
  expect(long.step_seconds).toBe(600)
  expect(Date.now() - Date.parse(long.from)).toBeLessThan(14 * day + 600_000)
  expect(Date.parse(long.to)).toBeLessThanOrEqual(Date.now())
  expect(Date.parse(long.from) % 600_000).toBe(0)
  const refuse = async (query: object, code = 'invalid_request') =>
    expect(ask(query)).rejects.toMatchObject({ code })
  await refuse({ from: '2030-01-01T00:00:00Z', to: '2029-01-01T00:00:00Z' })
  await refuse({ to: '0000-01-01T00:00:00Z' })
  await refuse({ from: '2026-06-30T23:59:60Z' })
  const none = { path: { ...path, branch_id: 'none' }, query: {} }
  await expect(control.client.getProjectBranchMetrics(none)).rejects.toMatchObject({
    code: 'branch_not_found',
  })
})

async function serve(access: 'key' | 'loopback') {
  const { context, consoleParts } = control
  const app = await createHttpServer({
    store: context.store,
    handlers: createHandlers(context, new TimeTravel(context), notAsked),
    log: context.log,
    version: 'test',
    console: consoleParts,
    metrics: { exposition: createExposition(sampler, 'test'), access },
  })
  return app
}

test('/metrics takes a key for all projects, and no other', async () => {
  const app = await serve('key')
  const get = async (key?: string) =>
    app.inject({ url: '/metrics', headers: key ? { authorization: `Bearer ${key}` } : {} })
  await compute.wake()
  await sampler.sampleComputes()
  const answer = await get(control.apiKey)
  expect(answer.statusCode).toBe(200)
  expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
  expect(answer.body).toMatch(/^coppice_compute_memory_bytes\{.*branch="main".*\} [1-9]/m)
  const { key } = await createApiKey(control.context, {
    kind: 'organization',
    name: 'one',
    projectId: path.project_id,
  })
  expect((await get()).json()).toMatchObject({ code: 'not_authenticated' })
  expect((await get('napi_nonsense')).json()).toMatchObject({ code: 'not_authenticated' })
  expect((await get(key)).json()).toMatchObject({ code: 'outside_key_scope' })
  await app.close()
})

test('/metrics is open to this machine alone where that is set', async () => {
  const app = await serve('loopback')
  const status = async (remoteAddress: string, headers: Record<string, string> = {}) =>
    (await app.inject({ url: '/metrics', remoteAddress, headers })).statusCode
  expect(await status('127.0.0.1')).toBe(200)
  expect(await status('192.0.2.7')).toBe(401)
  expect(await status('127.0.0.1', { 'x-forwarded-for': '192.0.2.7' })).toBe(401)
  await app.close()
})

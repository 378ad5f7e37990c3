import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { EndpointAwake } from '@coppice/api'
import { Client } from 'pg'
import postgres, { type Sql } from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import type { Compute } from '../compute/compute.ts'
import { findControlGroups } from '../compute/find-control-groups.ts'
import type { Login } from '../compute/testing/clients.ts'
import { AwakeLedger } from '../control/awake-ledger.ts'
import { insertComputeEvent, recordStay } from '../control/store/compute-events.ts'
import { recordStorage } from '../control/store/usage.ts'
import { TimeTravel } from '../control/time-travel.ts'
import { readCertificatePair } from '../gateway/certificate-pair.ts'
import { ensureCertificates } from '../gateway/certificates.ts'
import { createGateway, type Gateway } from '../gateway/gateway.ts'
import { must } from '../lib/assert.ts'
import { withCause } from '../lib/cause.ts'
import { errorCode } from '../lib/errors.ts'
import { startTestControl, type TestControl } from '../testing/control.ts'
import { createHttpsClient, type HttpsClient } from '../testing/https-client.ts'
import { until } from '../testing/until.ts'
import { createControlPlane } from './control-plane.ts'

/** Who wakes a compute and what keeps it awake, as the ledger tells: real clients, gateway, computes, store. */
let directory: string
let control: TestControl
let ledger: AwakeLedger
let gateway: Gateway
let https: HttpsClient
let compute: Compute
let path: { project_id: string; endpoint_id: string }
let login: Login

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'awake-'))
  control = await startTestControl()
  const { context, client } = control
  const { domain } = context.settings
  ledger = new AwakeLedger(context)
  await ledger.start()
  const files = await ensureCertificates({ directory, domain })
  https = createHttpsClient(await readFile(files.caPath))
  gateway = createGateway({
    controlPlane: createControlPlane({ ...context, timeTravel: new TimeTravel(context) }),
    tls: await readCertificatePair(files),
    secret: 'a secret',
    domain,
    listen: [
      { host: '127.0.0.1', port: 0, pooled: false },
      { host: '127.0.0.1', port: 0, pooled: true },
    ],
    listenSql: [{ host: '127.0.0.1', port: 0 }],
    log: context.log,
    limits: { drainGraceMs: 200 },
  })
  await gateway.start()
  const made = await client.createProject({ body: { project: { name: 'awake' } } })
  const [endpoint] = made.endpoints
  path = { project_id: made.project.id, endpoint_id: must(endpoint, 'it has one').id }
  compute = must(context.host.get(path.endpoint_id), 'it is registered')
  const role = must(made.roles[0], 'a project has an owner')
  login = { role: role.name, password: role.password ?? '', database: 'neondb' }
})

afterAll(async () => {
  await gateway?.stop()
  await ledger?.stop()
  await control?.close()
  await rm(directory, { recursive: true, force: true })
})

beforeEach(async () => {
  await setTimeoutSeconds(300)
  await compute.suspend({ force: true })
})

async function setTimeoutSeconds(seconds: number): Promise<void> {
  await control.client.updateProjectEndpoint({
    path,
    body: { endpoint: { suspend_timeout_seconds: seconds } },
  })
}

interface ConnectOptions {
  application?: string
  pooled?: boolean
  startup?: Record<string, string>
}

/** A client through the gateway, connected by its first query. */
function connect({ application = 'app', pooled = false, startup = {} }: ConnectOptions = {}): Sql {
  return postgres({
    ...addressOf(pooled),
    user: login.role,
    password: login.password,
    database: login.database,
    max: 1,
    fetch_types: false,
    connection: { application_name: application, ...startup },
    onnotice: () => undefined,
  })
}

/** By a driver that tells the error which a connection ends with. */
async function connectPoller(pooled: boolean): Promise<Client> {
  const { host, port, ssl } = addressOf(pooled)
  const { role: user, password, database } = login
  const options = '-c coppice.wake=off'
  const poller = new Client({ host, port, ssl, user, password, database, options })
  poller.on('error', () => undefined)
  await poller.connect()
  return poller
}

function addressOf(pooled: boolean) {
  const listening = gateway.addresses().find((one) => one.pooled === pooled)
  return {
    host: '127.0.0.1',
    port: must(listening, 'it listens there').port,
    ssl: {
      servername: `${path.endpoint_id}.${control.context.settings.domain}`,
      rejectUnauthorized: false,
    },
  }
}

async function askOverHttp(
  headers: Record<string, string>,
): Promise<{ status: number; code: string }> {
  const { domain } = control.context.settings
  const port = must(gateway.sqlAddresses()[0], 'it listens there').port
  const host = `${path.endpoint_id}.${domain}`
  const answer = await https.fetch(`https://${host}:${port}/sql`, {
    method: 'POST',
    headers: {
      'Neon-Connection-String': `postgresql://${login.role}:${login.password}@${host}/${login.database}`,
      ...headers,
    },
    body: JSON.stringify({ query: 'select 1', params: [] }),
  })
  const body: unknown = JSON.parse(await answer.text())
  const code = typeof body === 'object' && body !== null && 'code' in body ? String(body.code) : ''
  return { status: answer.status, code }
}

async function why(limit = 20): Promise<EndpointAwake> {
  await ledger.flush()
  return (await control.client.getProjectEndpointAwake({ path, query: { limit } })).awake
}

const off = { 'coppice.wake': 'off' }

describe('the ledger', () => {
  test('says which client woke a compute, and that it slept for lack of activity', async () => {
    await setTimeoutSeconds(1)
    const sql = connect({ application: 'shop' })
    await sql`select 1`
    await sql.end()
    await until(() => compute.state === 'idle')
    const [slept, woke] = (await why()).events
    expect(woke).toMatchObject({
      event: 'woke',
      reason: 'client',
      role: login.role,
      database: 'neondb',
      application_name: 'shop',
      client_address: '127.0.0.1',
      via: 'direct',
    })
    expect(slept).toMatchObject({
      event: 'slept',
      reason: 'idle',
      detail: 'no activity for 1 s',
    })
    expect(slept?.duration_seconds).toBeGreaterThan(1)
    expect(slept?.compute_unit_seconds).toBeGreaterThan(0.2)
  })

  test('tells the API from clients', async () => {
    await control.client.startProjectEndpoint({ path })
    await control.client.suspendProjectEndpoint({ path })
    expect((await why(2)).events).toMatchObject([
      { event: 'slept', reason: 'API', detail: 'suspendProjectEndpoint' },
      { event: 'woke', reason: 'API', detail: 'startProjectEndpoint' },
    ])
  })

  test('tells that PostgreSQL has died, and that it was started again', async () => {
    await compute.wake()
    process.kill(must(compute.pid, 'it runs'), 'SIGKILL')
    await until(async () => {
      const [woke, died] = (await why(2)).events
      return woke?.event === 'woke' && died?.event === 'slept' && died.reason === 'PostgreSQL died'
    })
  })

  test('notes what has happened while nobody listened', async () => {
    await ledger.stop()
    await compute.wake()
    ledger = new AwakeLedger(control.context)
    await ledger.start()
    expect((await why(1)).events).toMatchObject([{ event: 'woke', reason: 'found running' }])
    await ledger.stop()
    await compute.suspend({ force: true })
    ledger = new AwakeLedger(control.context)
    await ledger.start()
    expect((await why(1)).events).toMatchObject([
      { event: 'slept', reason: 'ended while the platform was down' },
    ])
  })

  test('has one entry for what keeps a compute awake again and again', async () => {
    const { store } = control.context
    const entry = (event: 'woke' | 'stayed_awake', second: number) => ({
      endpoint_id: 'ep-stays',
      project_id: path.project_id,
      branch_id: 'br-stays',
      at: new Date(Date.UTC(2026, 0, 1, 0, 0, second)),
      event,
      cause: { reason: event === 'woke' ? 'client' : 'in use' },
      run_compute_ms: null,
    })
    const rows = async () =>
      store`select event, duration_ms from compute_events where endpoint_id = 'ep-stays' order by id`
    await insertComputeEvent(store, entry('woke', 0))
    await recordStay(store, entry('stayed_awake', 10))
    await recordStay(store, entry('stayed_awake', 40))
    expect(await rows()).toMatchObject([
      { event: 'woke', duration_ms: null },
      { event: 'stayed_awake', duration_ms: 30_000 },
    ])
    await insertComputeEvent(store, entry('woke', 50))
    await recordStay(store, entry('stayed_awake', 60))
    expect((await rows()).slice(2)).toMatchObject([
      { event: 'woke', duration_ms: 50_000 },
      { event: 'stayed_awake', duration_ms: 0 },
    ])
  })

  test('counts what a compute has used from freeze to freeze', async () => {
    const { store } = control.context
    const entry = (event: 'woke' | 'frozen' | 'slept', second: number, used: number | null) => ({
      endpoint_id: 'ep-freezes',
      project_id: path.project_id,
      branch_id: 'br-freezes',
      at: new Date(Date.UTC(2026, 0, 1, 0, 0, second)),
      event,
      cause: { reason: 'client' },
      run_compute_ms: used,
    })
    await insertComputeEvent(store, entry('woke', 0, null))
    await insertComputeEvent(store, entry('frozen', 10, 2_500))
    await insertComputeEvent(store, entry('woke', 40, null))
    await insertComputeEvent(store, entry('slept', 60, 7_500))
    await insertComputeEvent(store, entry('woke', 90, null))
    await insertComputeEvent(store, entry('frozen', 91, 250))
    expect(
      await store`
        select event, after, duration_ms, compute_ms from compute_events
        where endpoint_id = 'ep-freezes' order by id`,
    ).toMatchObject([
      { event: 'woke', after: null, duration_ms: null, compute_ms: null },
      { event: 'frozen', after: 'woke', duration_ms: 10_000, compute_ms: 2_500 },
      { event: 'woke', after: 'frozen', duration_ms: 30_000, compute_ms: null },
      { event: 'slept', after: 'woke', duration_ms: 20_000, compute_ms: 5_000 },
      { event: 'woke', after: 'slept', duration_ms: 30_000, compute_ms: null },
      { event: 'frozen', after: 'woke', duration_ms: 1_000, compute_ms: 250 },
    ])
  })

  test('notes what has kept a compute awake beyond its timeout', async () => {
    await setTimeoutSeconds(1)
    const sql = connect({ application: 'holder' })
    await sql`begin`
    await until(async () => (await why()).events.some((one) => one.event === 'stayed_awake'))
    expect((await why()).events.find((one) => one.event === 'stayed_awake')).toMatchObject({
      reason: 'in a transaction',
      application_name: 'holder',
    })
    await sql.end()
  })
})

describe('a compute that is awake', () => {
  test('tells what keeps it so, and who is there', async () => {
    const sql = connect({ application: 'holder' })
    await sql`begin`
    const awake = await why()
    expect(awake).toMatchObject({
      current_state: 'active',
      sessions: [{ application_name: 'holder', role: login.role, quiet: false, pooled: false }],
    })
    expect(awake.awake).toMatchObject([
      { reason: 'in a transaction', application_name: 'holder', database: 'neondb' },
      { reason: 'was used by a client', application_name: 'holder', client_address: '127.0.0.1' },
    ])
    await sql.end()
  })

  test('tells of a pooled client, not of the pool', async () => {
    const sql = connect({ application: 'pooled shop', pooled: true })
    await sql`select 1`
    const { awake, sessions } = await why()
    expect(sessions).toMatchObject([{ application_name: 'pooled shop', pooled: true }])
    expect(awake.at(-1)).toMatchObject({
      reason: 'was used by a client',
      application_name: 'pooled shop',
    })
    await sql.end()
  })
})

describe('a client that is not to wake a compute', () => {
  test('is refused while it sleeps, however it comes', async () => {
    const asked = [
      connect({ startup: off }),
      connect({ startup: { options: '-c coppice.wake=off' } }),
      connect({ pooled: true, startup: off }),
    ]
    for (const sql of asked) {
      await expect(sql`select 1`).rejects.toMatchObject({ code: '57P03' })
      await sql.end()
    }
    expect(await askOverHttp({ 'Coppice-Wake': 'off' })).toEqual({ status: 500, code: '57P03' })
    expect(await askOverHttp({ 'Coppice-Wake': 'perhaps' })).toMatchObject({ status: 400 })
    expect(compute.state).toBe('idle')
    expect(await askOverHttp({})).toEqual({ status: 200, code: '' })
  })

  test('does not keep it awake', async () => {
    for (const pooled of [false, true]) {
      await compute.wake()
      await setTimeoutSeconds(1)
      let poller: Client | undefined = await connectPoller(pooled)
      // It is answered until then, one query after another; it comes anew where it was cut off.
      const ask = async (): Promise<string | undefined> => {
        try {
          poller ??= await connectPoller(pooled)
          await poller.query('select 1')
          return undefined
        } catch (error) {
          await poller?.end()
          poller = undefined
          return errorCode(error)
        }
      }
      expect(await ask()).toBeUndefined()
      await until(async () => (await ask()) === '57P03')
      await until(() => compute.state === 'idle')
      await poller?.end()
      await setTimeoutSeconds(300)
    }
  })

  test('may be known by its application name', async () => {
    const { awake } = await control.client.updateProjectEndpointAwake({
      path,
      body: { quiet_applications: ['uptime', 'uptime'] },
    })
    expect(awake.quiet_applications).toEqual(['uptime'])
    const poller = connect({ application: 'uptime' })
    await expect(poller`select 1`).rejects.toMatchObject({ code: '57P03' })
    const app = connect({ application: 'app' })
    await app`select 1`
    await poller`select 1`
    const quiet = (await why()).sessions.filter((one) => one.quiet)
    expect(quiet).toMatchObject([{ application_name: 'uptime' }])
    await app.end()
    await poller.end()
    await control.client.updateProjectEndpointAwake({ path, body: { quiet_applications: [] } })
  })
})

/** Looking alone: the groups are made by the host that is tested. */
const { kind } = await findControlGroups('test', { mayMove: false })

/** SQL over the API that is not to wake a compute; the values of the first row. */
async function look({ client }: TestControl, projectId: string, sql = 'select 42') {
  const lines = await client.queryProjectBranch({
    path: { project_id: projectId, branch_id: 'main' },
    body: { sql, db_name: 'neondb', wake: false },
  })
  let first: Array<string | null> | undefined
  for await (const line of lines) if (line.type === 'rows') first ??= line.rows[0]
  return first
}

describe('a query over the API that is not to wake', () => {
  test('is refused by a compute that sleeps, which sleeps on', async () => {
    await expect(look(control, path.project_id)).rejects.toMatchObject({ code: 'wake_refused' })
    expect(compute.state).toBe('idle')
  })

  test('is answered by one that is awake, and keeps it awake no longer', async () => {
    await compute.wake()
    const { lastActiveAt } = compute
    expect(await look(control, path.project_id)).toEqual(['42'])
    // Of a type that is named by looking, and with an open transaction.
    expect(await look(control, path.project_id, `begin; select '{a}'::name[]`)).toEqual(['{a}'])
    expect(compute.lastActiveAt).toEqual(lastActiveAt)
    expect(compute.sessionCount).toBe(0)
    const running = look(control, path.project_id, 'select pg_sleep(3)')
    await until(async () => (await compute.activity()).some(({ quiet }) => quiet === true))
    await running
    expect(compute.lastActiveAt).toEqual(lastActiveAt)
  })

  test('is refused for a moment of the past', async () => {
    const lines = control.client.queryProjectBranch({
      path: { project_id: path.project_id, branch_id: 'main' },
      body: { sql: 'select 1', db_name: 'neondb', wake: false, lsn: '0/1' },
    })
    await expect(lines).rejects.toMatchObject({ code: 'invalid_request' })
  })
})

describe.skipIf(kind === 'none')('a compute that is frozen', () => {
  let freezing: TestControl
  let itsLedger: AwakeLedger
  let frozen: Compute
  let place: typeof path

  beforeAll(async () => {
    const groups = await findControlGroups(join(directory, 'groups'))
    freezing = await startTestControl({ computes: { groups, freezeAfterMs: 500 } })
    itsLedger = new AwakeLedger(freezing.context)
    await itsLedger.start()
    const { project, endpoints } = await freezing.client.createProject({ body: { project: {} } })
    place = { project_id: project.id, endpoint_id: must(endpoints[0], 'it has one').id }
    frozen = must(freezing.context.host.get(place.endpoint_id), 'it is registered')
  })

  afterAll(async () => {
    await itsLedger?.stop()
    await freezing?.close()
  })

  const awakeOf = async (limit: number): Promise<EndpointAwake> => {
    await itsLedger.flush()
    const answer = await freezing.client.getProjectEndpointAwake({ path: place, query: { limit } })
    return answer.awake
  }

  /** Its state says so from before it is. */
  const isFrozen = async (): Promise<boolean> => (await awakeOf(1)).events[0]?.event === 'frozen'

  test('is in the ledger, and whose bytes had it go on, though they do not keep it awake', async () => {
    await freezing.client.startProjectEndpoint({ path: place })
    const details = { role: 'app', database: 'neondb', applicationName: '', pooled: true }
    const session = frozen.openSession(details)
    await until(isFrozen)
    const before = await awakeOf(1)
    expect(before).toMatchObject({
      current_state: 'active',
      frozen: true,
      events: [{ event: 'frozen', after: 'woke', reason: 'idle' }],
    })
    expect(before.events[0]?.compute_unit_seconds).toBeGreaterThan(0)
    await expect(frozen.joinIfAwake()).rejects.toMatchObject({ code: 'wake_refused' })
    const { lastActiveAt } = frozen
    session.touch({ applicationName: 'uptime', quiet: true })
    await until(() => frozen.state === 'active')
    expect(frozen.lastActiveAt).toEqual(lastActiveAt)
    await until(isFrozen)
    const [again, woke] = (await awakeOf(2)).events
    expect(again).toMatchObject({ event: 'frozen', after: 'woke' })
    expect(woke).toMatchObject({
      event: 'woke',
      after: 'frozen',
      reason: 'client',
      application_name: 'uptime',
      via: 'pooled',
    })
    session.end()
  })

  test('is not thawed by a query that is not to wake', async () => {
    await freezing.client.startProjectEndpoint({ path: place })
    await until(isFrozen)
    await expect(look(freezing, place.project_id)).rejects.toMatchObject({ code: 'wake_refused' })
    expect(frozen.state).toBe('frozen')
  })

  test('sleeps without having woken', async () => {
    await freezing.client.startProjectEndpoint({ path: place })
    await until(isFrozen)
    await freezing.client.suspendProjectEndpoint({ path: place })
    const [slept, froze] = (await awakeOf(2)).events
    expect(slept).toMatchObject({ event: 'slept', after: 'frozen', reason: 'API' })
    expect(froze).toMatchObject({ event: 'frozen', after: 'woke' })
    expect(slept?.compute_unit_seconds).toBeLessThan(froze?.compute_unit_seconds ?? 0)
  })

  test('has woken for whoever wants it while it is to be suspended', async () => {
    await freezing.client.startProjectEndpoint({ path: place })
    await until(isFrozen)
    let use: Promise<unknown> | undefined
    const stop = freezing.context.host.onStateChange(({ state }) => {
      if (state === 'suspending') use ??= frozen.withSuperuser('neondb', async (sql) => sql`select`)
    })
    const reason = 'in use by the platform'
    expect(await withCause({ reason: 'idle' }, async () => frozen.suspend())).toEqual([{ reason }])
    stop()
    await use
    const woke = (await awakeOf(5)).events.find(({ event }) => event === 'woke')
    expect(woke).toMatchObject({ after: 'frozen', reason: 'suspend called off', detail: reason })
  })
})

describe('cost', () => {
  test('is what was used by the price list, and what sleeping has saved', async () => {
    const { client, context } = control
    expect(await client.getPrices({})).toMatchObject({ preset: 'mission' })
    const changed = await client.updatePrices({ body: { preset: 'neon' } })
    expect(changed).toMatchObject({ preset: 'neon', prices: { compute_unit_hour: 0.106 } })
    await context.store`update branches set logical_size_bytes = 1000000000`
    await recordStorage(context.store)
    const { cost } = await client.getProjectCost({ path, query: { by: 'endpoint' } })
    expect(cost).toMatchObject({
      is_running: true,
      shares: [{ endpoint_id: path.endpoint_id, branch_name: 'main' }],
    })
    const compute = must(
      cost.items.find((item) => item.metric === 'compute'),
      'it is one',
    )
    expect(compute.quantity).toBeGreaterThan(0)
    expect(compute.cost).toBeCloseTo(compute.quantity * 0.106)
    expect(cost.saved.sleeping_hours).toBeGreaterThan(0)
    const all = await client.getCost({ query: {} })
    expect(all.cost.shares[0]?.storage_gb_months).toBeCloseTo(1 / 744, 5)
    expect(cost.by_preset.find(({ preset }) => preset === 'neon')).toMatchObject({
      currency: 'USD',
      total: cost.total,
      estimate: cost.estimate,
    })
    await client.updatePrices({ body: { preset: 'mission' } })
  })

  test('over time sums up to what the month costs', async () => {
    const { client } = control
    await client.updatePrices({ body: { preset: 'neon' } })
    const now = new Date()
    const monthStart = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1))
    const range = { from: monthStart.toISOString(), to: now.toISOString() }
    const { cost } = await client.getProjectCost({ path, query: {} })
    for (const granularity of ['daily', 'monthly'] as const) {
      const { cost_history } = await client.getProjectCostHistory({
        path,
        query: { ...range, granularity },
      })
      const { timeframes } = cost_history
      expect(timeframes[0]?.timeframe_start).toBe(range.from)
      const total = timeframes.reduce((sum, one) => sum + one.total, 0)
      expect(total).toBeGreaterThan(0)
      expect(total).toBeCloseTo(cost.total, 4)
      const last = timeframes.at(-1)?.items.find((item) => item.metric === 'compute')
      expect(last?.cost).toBeCloseTo((last?.quantity ?? 0) * 0.106)
    }
    await client.updatePrices({ body: { preset: 'mission' } })
    await expect(
      client.getProjectCostHistory({
        path,
        query: { ...range, from: '2020-01-01T00:00:00Z', granularity: 'daily' },
      }),
    ).rejects.toMatchObject({ code: 'outside_consumption_history' })
  })

  test('of a month that has not begun, or of none, is refused', async () => {
    for (const month of ['2999-01', '2026-13', 'may']) {
      await expect(control.client.getCost({ query: { month } })).rejects.toMatchObject({
        code: 'invalid_request',
      })
    }
  })

  test('a price over those in force makes a list of its own', async () => {
    const { client } = control
    const { preset, prices } = await client.updatePrices({ body: { prices: { egress_gb: 0.5 } } })
    expect([preset, prices.egress_gb, prices.storage_gb_month]).toEqual(['custom', 0.5, 0.3])
    await expect(
      client.updatePrices({ body: { prices: { egress_gb: -1 } } }),
    ).rejects.toMatchObject({ code: 'invalid_request' })
    await client.updatePrices({ body: { preset: 'mission' } })
  })

  test('of branches that share a compute is less by what each would have used alone', async () => {
    const { client, context } = control
    const project = { project_id: path.project_id }
    const { compute: shared } = await client.createProjectCompute({
      path: project,
      body: {
        compute: { name: 'dev', autoscaling_limit_min_cu: 0.25, autoscaling_limit_max_cu: 0.25 },
      },
    })
    await client.updateProjectEndpoint({ path, body: { endpoint: { compute_id: shared.id } } })
    expect((await client.getCost({ query: {} })).cost.saved.shared_compute_unit_hours).toBe(0)
    // An hour at the half of what it has alone.
    await context.store`
      update usage_hours set active_ms = active_ms + 3600000, compute_ms = compute_ms + 450000
      where endpoint_id = ${path.endpoint_id}
        and hour = (select max(hour) from usage_hours where endpoint_id = ${path.endpoint_id})`
    const { saved } = (await client.getCost({ query: {} })).cost
    // Less what it has used beyond its smallest size before.
    expect(saved.shared_compute_unit_hours).toBeGreaterThan(0.06)
    expect(saved.shared_compute_unit_hours).toBeLessThanOrEqual(0.125)
    await client.updateProjectEndpoint({ path, body: { endpoint: { compute_id: null } } })
    await client.deleteProjectCompute({ path: { ...project, compute_id: shared.id } })
  })
})

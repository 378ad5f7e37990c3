import type { Operation } from '@coppice/api'
import { createNeonClient } from '@neon/sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { must } from '../../lib/assert.ts'
import { startControlGateway } from '../../testing/control-gateway.ts'
import { startTestControl, type TestControl } from '../../testing/control.ts'
import { findPgRecvlogical, startPgRecvlogical } from '../../testing/pg-recvlogical.ts'
import { hasPsql, psql } from '../../testing/psql.ts'
import { until } from '../../testing/until.ts'

/** Settings of projects and endpoints that the gateway acts on: from the API to the compute's spec. */
let control: TestControl
let project_id: string
let endpoint_id: string
let password: string

beforeAll(async () => {
  control = await startTestControl()
  const made = await control.client.createProject({
    body: { project: { name: 'shop', default_endpoint_settings: { suspend_timeout_seconds: -1 } } },
  })
  project_id = made.project.id
  endpoint_id = must(made.endpoints[0], 'it has an endpoint').id
  password = must(made.roles[0]?.password, 'its role has a password')
})
afterAll(async () => control?.close())

const spec = (id = endpoint_id) => must(control.context.host.get(id), 'it is on the host').spec

async function updateProject(project: Record<string, unknown>) {
  return control.client.updateProject({ path: { project_id }, body: { project } })
}

async function updateEndpoint(settings: Record<string, string | null>) {
  const path = { project_id, endpoint_id }
  const endpoint = { settings: { pgbouncer_settings: settings } }
  return (await control.client.updateProjectEndpoint({ path, body: { endpoint } })).endpoint
}

const updateDefaults = async (pgbouncer_settings: Record<string, string | null>) =>
  (await updateProject({ default_endpoint_settings: { pgbouncer_settings } })).project

describe('settings of the pooler', () => {
  test('of an endpoint are over those of its project, and both over the defaults', async () => {
    const pid = control.context.host.get(endpoint_id)?.pid
    const project = await updateDefaults({ max_pool_size: '50', server_idle_timeout: '60' })
    expect(project.default_endpoint_settings).toMatchObject({
      suspend_timeout_seconds: -1,
      pgbouncer_settings: { default_pool_size: '50', server_idle_timeout: '60' },
    })
    expect(project.pooler_settings).toMatchObject({
      default_pool_size: 50,
      max_client_conn: 10_000,
    })
    const endpoint = await updateEndpoint({ default_pool_size: '10', pool_mode: 'session' })
    expect(endpoint).toMatchObject({
      settings: { pgbouncer_settings: { default_pool_size: '10', pool_mode: 'session' } },
      pooler_mode: 'session',
      pooler_settings: { default_pool_size: 10, server_idle_timeout: 60, pool_mode: 'session' },
    })
    expect(control.context.host.get(endpoint_id)?.pid).toBe(must(pid, 'it is awake'))
    expect(spec().poolerSettings).toEqual({
      default_pool_size: '10',
      server_idle_timeout: '60',
      pool_mode: 'session',
    })
  })

  test('are inherited by a branch, and taken away by null', async () => {
    const made = await control.client.createProjectBranch({
      path: { project_id },
      body: { branch: { name: 'heir' }, endpoints: [{ type: 'read_write' }] },
    })
    const heir = must(made.endpoints[0], 'it has an endpoint')
    expect(heir).toMatchObject({
      pooler_mode: 'session',
      pooler_settings: { default_pool_size: 10 },
    })
    const changed = await updateEndpoint({ default_pool_size: null, pool_mode: null })
    expect(changed).toMatchObject({
      settings: { pgbouncer_settings: {} },
      pooler_mode: 'transaction',
      pooler_settings: { default_pool_size: 50 },
    })
    await updateDefaults({ server_idle_timeout: null, default_pool_size: '40' })
    expect(spec().poolerSettings).toEqual({ default_pool_size: '40' })
    expect(spec(heir.id).poolerSettings).toEqual({ default_pool_size: '10', pool_mode: 'session' })
  })

  test('change together without losing one another', async () => {
    const names = ['min_pool_size', 'server_lifetime', 'query_wait_timeout', 'client_idle_timeout']
    await Promise.all([
      ...names.map(async (name) => updateEndpoint({ [name]: '7' })),
      ...names.map(async (name) => updateDefaults({ [name]: '8' })),
    ])
    const all = { min_pool_size: '7', server_lifetime: '7', query_wait_timeout: '7' }
    expect(spec().poolerSettings).toMatchObject(all)
    const none = Object.fromEntries(names.map((name) => [name, null]))
    await Promise.all([updateEndpoint(none), updateDefaults(none)])
    expect(spec().poolerSettings).toEqual({ default_pool_size: '40' })
  })

  test.each([
    [{ pool_size: '1' }, '"pool_size" is no setting of the pooler'],
    [{ default_pool_size: '0' }, 'default_pool_size must be a whole number from 1 to 1000'],
    [{ pool_mode: 'fast' }, 'pool_mode must be one of session, transaction, statement'],
    [{ __proto__x: null }, 'is no setting of the pooler'],
  ])('are refused at the edge: %j', async (settings, message) => {
    const refusal = { code: 'invalid_request', message: expect.stringContaining(message) }
    await expect(updateEndpoint(settings)).rejects.toMatchObject(refusal)
    await expect(updateDefaults(settings)).rejects.toMatchObject(refusal)
    expect(spec().poolerSettings).toEqual({ default_pool_size: '40' })
  })
})

describe('allow lists', () => {
  const allow = async (allowed_ips: object) =>
    (await updateProject({ settings: { allowed_ips } })).project.settings.allowed_ips

  test('reach the computes of the branches that they are for', async () => {
    const ips = ['192.0.2.1', '2001:db8::/32']
    expect(await allow({ ips: [...ips, ' 192.0.2.1 '], protected_branches_only: true })).toEqual({
      ips,
      protected_branches_only: true,
    })
    expect(spec().allowedIps).toEqual([])
    const branch = async (isProtected: boolean) =>
      control.client.updateProjectBranch({
        path: { project_id, branch_id: 'main' },
        body: { branch: { protected: isProtected } },
      })
    await branch(true)
    expect(spec().allowedIps).toEqual(ips)
    await branch(false)
    expect(spec().allowedIps).toEqual([])
    expect(await allow({ protected_branches_only: false })).toMatchObject({ ips })
    expect(spec().allowedIps).toEqual(ips)
    await allow({ ips: [] })
    expect(spec().allowedIps).toEqual([])
  })

  test('hold for the default branch only where that is asked', async () => {
    await allow({ ips: ['192.0.2.1'], primary_branch_only: true })
    const { endpoints } = await control.client.listProjectEndpoints({ path: { project_id } })
    const heir = must(
      endpoints.find(({ id }) => id !== endpoint_id),
      'the branch from before',
    )
    expect([spec().allowedIps, spec(heir.id).allowedIps]).toEqual([['192.0.2.1'], []])
    const makeDefault = async (branch_id: string) =>
      control.client.setDefaultProjectBranch({ path: { project_id, branch_id } })
    await makeDefault('heir')
    expect([spec().allowedIps, spec(heir.id).allowedIps]).toEqual([[], ['192.0.2.1']])
    await makeDefault('main')
    await allow({ ips: [], primary_branch_only: false })
  })

  test.each(['192.0.2.256', '10.0.0.0/33', 'example.com', ''])('refuse %j', async (entry) => {
    await expect(allow({ ips: [entry] })).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('is no address, CIDR block'),
    })
  })
})

describe('settings of a project', () => {
  const change = async (settings: Record<string, unknown>) =>
    (await updateProject({ settings })).project.settings

  test('keep what a change does not name', async () => {
    const maintenance_window = { weekdays: [6, 7], start_time: '01:00', end_time: '05:30' }
    await change({ maintenance_window, quota: { active_time_seconds: 3600 } })
    const settings = await change({ quota: { logical_size_bytes: 2 ** 40 } })
    expect(settings).toMatchObject({
      maintenance_window,
      quota: { active_time_seconds: 3600, logical_size_bytes: 2 ** 40 },
    })
  })

  test.each([
    [{ hipaa: true }, 'not_available', 'hipaa'],
    [{ audit_log_level: 'base' }, 'not_available', 'audit_log_level'],
    [
      { maintenance_window: { weekdays: [8], start_time: '1', end_time: '2' } },
      'invalid_request',
      'weekdays',
    ],
    [{ maintenance_window: { weekdays: [1] } }, 'invalid_request', 'start_time'],
    [{ preload_libraries: { enabled_libraries: ['sepgsql'] } }, 'invalid_request', 'pg_prewarm'],
    [
      { preload_libraries: { enabled_libraries: ["x', 'y"] } },
      'invalid_request',
      'cannot be preloaded',
    ],
  ])('%j is refused, and nothing changes', async (settings, code, message) => {
    const before = (await control.client.getProject({ path: { project_id } })).project.settings
    await expect(change(settings)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    })
    const after = (await control.client.getProject({ path: { project_id } })).project.settings
    expect(after).toEqual(before)
  })

  test('keep clients of other machines out, over the allow list', async () => {
    expect(await change({ block_public_connections: true })).toMatchObject({
      block_public_connections: true,
    })
    expect(spec().blockPublicConnections).toBe(true)
    await change({ block_public_connections: false })
    expect(spec().blockPublicConnections).toBe(false)
  })
})

describe('what PostgreSQL reads at its start', () => {
  const compute = (id = endpoint_id) => must(control.context.host.get(id), 'it is on the host')
  const show = async (name: string) =>
    compute().withSuperuser('postgres', async (sql) => {
      const [row] = await sql.unsafe<{ value: string }[]>(
        `select current_setting('${name}') as value`,
      )
      return row?.value
    })
  /** By the polling of Neon's own SDK, which every `waitForReadiness` of its users is. */
  const finished = async (operations: Operation[]) => {
    const { apiKey, apiUrl: baseUrl } = control
    const neon = createNeonClient({ apiKey, baseUrl, throwOnError: true })
    await neon.operations.waitFor({ operations }, { pollIntervalMs: 50, timeoutMs: 20_000 })
  }
  const update = async (endpoint: Record<string, unknown>) =>
    control.client.updateProjectEndpoint({ path: { project_id, endpoint_id }, body: { endpoint } })

  test('restarts a compute that is awake when its endpoint changes it', async () => {
    await compute().wake()
    const { operations } = await update({ settings: { pg_settings: { work_mem: '9MB' } } })
    expect(operations.map(({ action }) => action)).toEqual(['suspend_compute', 'start_compute'])
    await finished(operations)
    expect(await show('work_mem')).toBe('9MB')
    const same = await update({ settings: { pg_settings: { work_mem: '9MB' } }, name: 'app' })
    expect(same).toMatchObject({ operations: [], endpoint: { name: 'app' } })
    await compute().suspend({ force: true })
    expect((await update({ autoscaling_limit_max_cu: 3 })).operations).toEqual([])
    await compute().wake()
    expect(await show('shared_buffers')).toBe('256MB')
  })

  test('are libraries: those of the project, or of the endpoint over them', async () => {
    const { libraries } = await control.client.getAvailablePreloadLibraries({
      path: { project_id },
    })
    expect(libraries).toContainEqual(
      expect.objectContaining({ library_name: 'pg_stat_statements', is_default: true }),
    )
    expect(libraries.find((one) => one.library_name === 'pg_prewarm')?.version).toMatch(/^\d/)
    const settings = { preload_libraries: { enabled_libraries: ['pg_prewarm'] } }
    await compute().wake()
    await finished((await updateProject({ settings })).operations)
    expect(await show('shared_preload_libraries')).toBe('pg_stat_statements,pg_prewarm')
    const own = { use_defaults: false, enabled_libraries: [] }
    const changed = await update({ settings: { preload_libraries: own } })
    expect(changed.endpoint.settings.preload_libraries).toEqual(own)
    await finished(changed.operations)
    expect(await show('shared_preload_libraries')).toBe('')
    await expect(
      update({ settings: { preload_libraries: { enabled_libraries: ['none'] } } }),
    ).rejects.toMatchObject({ code: 'invalid_request' })
  })

  test('is asked for by operations when an endpoint is disabled, and no start after it', async () => {
    const { operations, endpoint } = await update({ disabled: true })
    expect(endpoint).toMatchObject({ disabled: true, current_state: 'idle' })
    expect(operations).toMatchObject([{ action: 'suspend_compute', status: 'finished' }])
    await update({ disabled: false })
    const made = await control.client.createProjectBranch({
      path: { project_id },
      body: { branch: { name: 'off' }, endpoints: [{ type: 'read_write', disabled: true }] },
    })
    expect(made.operations.map(({ action }) => action)).toEqual(['create_branch'])
  })

  test.each([
    [{ passwordless_access: true }, 'not_available'],
    [{ branch_id: 'br-some-other-branch1' }, 'not_available'],
    [{ name: '' }, 'invalid_request'],
    [{ name: 'x'.repeat(65) }, 'invalid_request'],
    [{ provisioner: 'serverless-platform' }, 'invalid_request'],
  ])('%j is refused', async (endpoint, code) => {
    await expect(update(endpoint)).rejects.toMatchObject({ code })
  })

  test('a new compute that does not start with its settings leaves nothing behind', async () => {
    const { branch } = await control.client.createProjectBranch({
      path: { project_id },
      body: { branch: { name: 'broken' } },
    })
    const path = { project_id, branch_id: branch.id }
    const create = async (pg_settings: Record<string, string>) =>
      control.client.createProjectEndpoint({
        path: { project_id },
        body: { endpoint: { branch_id: branch.id, type: 'read_write', settings: { pg_settings } } },
      })
    await expect(create({ shared_buffers: 'plenty' })).rejects.toMatchObject({
      code: 'compute_start_failed',
    })
    expect((await control.client.listProjectBranchEndpoints({ path })).endpoints).toEqual([])
    expect((await create({ work_mem: '5MB' })).endpoint.current_state).toBe('active')
    await expect(
      control.client.createProjectEndpoint({
        path: { project_id },
        body: { endpoint: { branch_id: branch.id, type: 'read_write', region_id: 'mars' } },
      }),
    ).rejects.toMatchObject({ code: 'invalid_request' })
  })
})

const recvlogical = await findPgRecvlogical()
const canReceive = (await hasPsql()) && recvlogical !== undefined

describe('logical replication', () => {
  const compute = (id = endpoint_id) => must(control.context.host.get(id), 'it is on the host')
  const ask = async (sql: string, id = endpoint_id): Promise<Record<string, unknown>[]> =>
    compute(id).withSuperuser('postgres', async (client) => [...(await client.unsafe(sql))])
  const readers = "select rolname from pg_roles where rolreplication and rolname <> 'cloud_admin'"

  test('is for projects that ask for it, and restarts what is awake', async () => {
    await compute().wake()
    expect(await ask('show wal_level')).toEqual([{ wal_level: 'replica' }])
    expect(await ask(readers)).toEqual([])
    const settings = { enable_logical_replication: true }
    const { project, operations } = await updateProject({ settings })
    expect(project.settings).toMatchObject(settings)
    const own = operations.filter((operation) => operation.endpoint_id === endpoint_id)
    expect(own.map(({ action }) => action)).toEqual(['suspend_compute', 'start_compute'])
    await until(async () => {
      const path = { project_id, operation_id: must(own.at(-1), 'there are two').id }
      const { operation } = await control.client.getProjectOperation({ path })
      return operation.status === 'finished'
    })
    expect(await ask('show wal_level')).toEqual([{ wal_level: 'logical' }])
    expect(await ask(readers)).toEqual([{ rolname: 'neondb_owner' }])
    expect((await updateProject({ settings })).operations).toEqual([])
    const off = updateProject({ settings: { enable_logical_replication: false } })
    await expect(off).rejects.toMatchObject({ code: 'invalid_request' })
  })

  test('lets roles that the API makes read the WAL, and no other', async () => {
    await control.client.createProjectBranchRole({
      path: { project_id, branch_id: 'main' },
      body: { role: { name: 'reader' } },
    })
    await ask('create role sql_made')
    expect(await ask(`${readers} order by 1`)).toEqual([
      { rolname: 'neondb_owner' },
      { rolname: 'reader' },
    ])
  })

  test.skipIf(!canReceive)('streams through the gateway and keeps the compute awake', async () => {
    const gateway = await startControlGateway(control)
    const conninfo = `${gateway.conninfo(endpoint_id)} user=neondb_owner dbname=neondb`
    const program = must(recvlogical, 'it was looked for')
    const receive = (...args: string[]) => startPgRecvlogical(program, { conninfo, password }, args)
    const reasons = async () => (await compute().activity()).map(({ reason }) => reason)
    try {
      expect(await receive('--create-slot', '-P', 'test_decoding').ended).toBe('0 ')
      const { child, output, ended } = receive('--start', '-f', '-', '-F', '0')
      const sql = "create table seen (word text); insert into seen values ('streamed')"
      expect(await psql(conninfo, sql, { PGPASSWORD: password })).toMatchObject({ code: 0 })
      await until(() => output.text.includes("'streamed'"))
      expect(await reasons()).toContain('replication')
      child.kill('SIGINT')
      await ended
      await until(async () => !(await reasons()).includes('replication'))
      const { endpoints } = await control.client.createProjectBranch({
        path: { project_id },
        body: { branch: { name: 'copy' }, endpoints: [{ type: 'read_write' }] },
      })
      const { id } = must(endpoints[0], 'it has an endpoint')
      expect(await ask('show wal_level', id)).toEqual([{ wal_level: 'logical' }])
      expect(await ask('select slot_name from pg_replication_slots', id)).toEqual([])
      expect(await ask('select slot_name::text from pg_replication_slots')).toEqual([
        { slot_name: 'stream' },
      ])
    } finally {
      await gateway.stop()
    }
  })
})

import type { Branch, Project } from '@coppice/api'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

import type { Compute } from '../compute/compute.ts'
import { readSpec } from '../compute/spec-file.ts'
import { connectAs, type Login } from '../compute/testing/clients.ts'
import { must } from '../lib/assert.ts'
import { errorCode } from '../lib/errors.ts'
import { startTestControl, type TestControl } from '../testing/control.ts'
import { problemsOfNamed } from '../testing/neon-document.ts'
import { until } from '../testing/until.ts'
import { syncCatalog } from './catalog-sync.ts'
import { enforceQuotas, enforceSizeQuotas } from './quotas.ts'
import {
  recordStorage,
  recordUsageHours,
  refreshProjectUsage,
  trimUsage,
  type UsageHourRow,
} from './store/usage.ts'
import { startOfMonth } from './usage-period.ts'
import { createStorageRecorder, recordUsage } from './usage.ts'

const hourMs = 3_600_000

/** From what computes count to what the API tells, and to quotas: a real store, real computes. */
let control: TestControl
let project_id: string
let main: Branch
/** Of the project's owner. */
let login: Login

beforeAll(async () => {
  control = await startTestControl()
  const made = await control.client.createProject({ body: { project: { name: 'metered' } } })
  project_id = made.project.id
  main = made.branch
  const role = must(made.roles[0], 'a project has an owner')
  login = { role: role.name, password: role.password ?? '', database: 'neondb' }
})

afterAll(async () => {
  await control?.close()
})

const getProject = async (): Promise<Project> =>
  (await control.client.getProject({ path: { project_id } })).project

const getBranch = async (branch_id = main.id): Promise<Branch> =>
  (await control.client.getProjectBranch({ path: { project_id, branch_id } })).branch

const countersOf = ({
  cpu_used_sec,
  active_time_seconds,
  compute_time_seconds,
  written_data_bytes,
  data_transfer_bytes,
}: Branch | Project) => ({
  cpu_used_sec,
  active_time_seconds,
  compute_time_seconds,
  written_data_bytes,
  data_transfer_bytes,
})

function computeOf(branchId: string): Compute {
  const compute = control.context.host
    .list()
    .find(({ spec }) => spec.labels['branch_id'] === branchId)
  return must(compute, 'the branch has a compute')
}

/** A few thousand rows, counted up to the end. */
async function use(branchId: string): Promise<void> {
  const compute = computeOf(branchId)
  // What a clone brings along is told apart by the first reading, soon after its start.
  await compute.wake()
  await compute.tick()
  await compute.withSuperuser('neondb', async (sql) => {
    await sql`create table if not exists public.filled (n int, text text)`
    await sql`insert into public.filled select n, md5(n::text) from generate_series(1, 20000) n`
  })
  compute.usage.countSent(12_345)
  await compute.suspend({ force: true })
}

describe('counters', () => {
  test('of a project and a branch are what the compute has counted', async () => {
    expect(countersOf(await getProject()).data_transfer_bytes).toBe(0)
    await use(main.id)
    await recordUsage(control.context)
    const project = await getProject()
    expect(project.written_data_bytes).toBeGreaterThan(1_000_000)
    expect(project.data_transfer_bytes).toBe(12_345)
    expect(project.active_time).toBe(project.active_time_seconds)
    expect(countersOf(await getBranch())).toEqual(countersOf(project))
    expect(project.consumption_period_start).toMatch(/^\d{4}-\d\d-01T00:00:00.000Z$/)
    expect(problemsOfNamed('Project', project)).toEqual([])
    expect(problemsOfNamed('Branch', await getBranch())).toEqual([])
  })

  test('stay as they are when the same is collected again, also after a crash in between', async () => {
    const before = countersOf(await getProject())
    const compute = computeOf(main.id)
    compute.usage.countSent(55)
    // Written into the store, and the daemon dies before it could note that.
    const settle = vi.spyOn(compute.usage, 'settle').mockReturnValue()
    await recordUsage(control.context)
    await recordUsage(control.context)
    settle.mockRestore()
    await recordUsage(control.context)
    expect(countersOf(await getProject())).toEqual({
      ...before,
      data_transfer_bytes: before.data_transfer_bytes + 55,
    })
  })

  test('of a project keep what a deleted branch has used', async () => {
    const { branch } = await control.client.createProjectBranch({
      path: { project_id },
      body: { branch: { name: 'gone' }, endpoints: [{ type: 'read_write' }] },
    })
    const before = await getProject()
    await use(branch.id)
    await control.client.deleteProjectBranch({
      path: { project_id, branch_id: branch.id },
      query: { hard_delete: true },
    })
    const after = await getProject()
    expect(after.data_transfer_bytes).toBe(before.data_transfer_bytes + 12_345)
    expect(after.written_data_bytes).toBeGreaterThan(before.written_data_bytes + 1_000_000)
    expect(countersOf(await getBranch()).data_transfer_bytes).toBe(before.data_transfer_bytes)
  })

  test('of storage have snapshots with the branch that they were made of', async () => {
    const { store } = control.context
    const { snapshot } = await control.client.createSnapshot({
      path: { project_id, branch_id: main.id },
      query: {},
    })
    await store`
      update branches set logical_size_bytes = 7000000
      where snapshot_id = ${snapshot.id} or id = ${main.id}`
    await recordStorage(store)
    const rows = await store<{ branch_id: string; snapshot_bytes: number }[]>`
      select s.branch_id, s.snapshot_bytes from storage_hours s
        left join branches b on b.id = s.branch_id
      where s.project_id = ${project_id} and (s.branch_id = ${main.id} or b.snapshot_id is not null)`
    expect(rows).toEqual([{ branch_id: main.id, snapshot_bytes: 7_000_000 }])
    const { projects } = await control.client.getConsumptionHistoryPerProjectV2({
      query: {
        from: new Date(Date.now() - hourMs).toISOString(),
        to: new Date().toISOString(),
        granularity: 'hourly',
        org_id: 'org-coppice',
        metrics: ['snapshot_storage_bytes_month'],
        project_ids: [project_id],
      },
    })
    expect(JSON.stringify(projects)).toContain('7000000')
  })

  test('of storage are a root by its size, a child by what it has written', async () => {
    const { branch } = await control.client.createProjectBranch({
      path: { project_id },
      body: { branch: { name: 'child' }, endpoints: [{ type: 'read_write' }] },
    })
    const size = 8_000_000
    await control.context.store`
      update branches set logical_size_bytes = ${size} where id in (${branch.id}, ${main.id})`
    await createStorageRecorder()(control.context)
    const rows = await control.context.store<
      { branch_id: string; data_bytes: number; logical_size_bytes: number }[]
    >`select branch_id, data_bytes, logical_size_bytes from storage_hours where project_id = ${project_id}`
    const of = (id: string) => rows.find(({ branch_id }) => branch_id === id)
    expect(of(main.id)).toMatchObject({ data_bytes: size, logical_size_bytes: size })
    expect(of(branch.id)?.logical_size_bytes).toBe(size)
    expect(of(branch.id)?.data_bytes).toBeLessThan(size)
    const project = await getProject()
    expect(project.synthetic_storage_size).toBeGreaterThanOrEqual(size)
    expect(project.data_storage_bytes_hour).toBe(project.synthetic_storage_size)
    // Looked at in an hour that is over: still so until it is looked at again.
    const { store } = control.context
    const start = startOfMonth(new Date())
    await store`update storage_hours set hour = hour - interval '1 hour'`
    await refreshProjectUsage(store, start, [project_id])
    expect((await getProject()).synthetic_storage_size).toBe(
      // Of the month before in its first hour.
      Date.now() - start.getTime() < hourMs ? 0 : project.synthetic_storage_size,
    )
    await store`update storage_hours set hour = hour + interval '1 hour'`
    // A smaller one within the hour changes nothing.
    await control.context.store`update branches set logical_size_bytes = 1 where id = ${main.id}`
    expect(await recordStorage(control.context.store)).toEqual([])
    await control.context
      .store`update branches set logical_size_bytes = ${size} where id = ${main.id}`
  })
})

const hoursAgo = (hours: number): string =>
  new Date((Math.floor(Date.now() / hourMs) - hours) * hourMs).toISOString()

function hourRow(hour: string, changes: Partial<UsageHourRow> = {}): UsageHourRow {
  return {
    endpoint_id: 'ep-past',
    hour,
    ledger_id: '00000000-0000-4000-8000-000000000001',
    project_id,
    branch_id: 'br-past-one-1',
    active_ms: 60_000,
    compute_ms: 120_000,
    cpu_ms: 30_000,
    written_data_bytes: 1000,
    data_transfer_bytes: 100,
    ...changes,
  }
}

async function get(path: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(control.apiUrl + path, {
    headers: { authorization: `Bearer ${control.apiKey}` },
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

describe('consumption history', () => {
  let old: string

  beforeAll(async () => {
    const made = await control.client.createProject({ body: { project: { name: 'old' } } })
    old = made.project.id
    const { store } = control.context
    await store`update projects set created_at = now() - interval '400 days' where id = ${old}`
    await recordUsageHours(
      store,
      [2, 3, 50, 24 * 40].map((hours) => hourRow(hoursAgo(hours), { project_id: old })),
    )
    // A ledger that was lost is another one; an older state of a row that comes late is none.
    await recordUsageHours(store, [
      hourRow(hoursAgo(2), {
        project_id: old,
        ledger_id: '00000000-0000-4000-8000-000000000002',
      }),
    ])
    await recordUsageHours(store, [hourRow(hoursAgo(3), { project_id: old, active_ms: 1 })])
  })

  test('by the hour has every hour, in order, and what was used in each', async () => {
    const { projects } = await control.client.getConsumptionHistoryPerProject({
      query: {
        from: hoursAgo(5),
        to: hoursAgo(1),
        granularity: 'hourly',
        project_ids: [old],
      },
    })
    const frames = projects.flatMap(({ periods }) => periods.flatMap((one) => one.consumption))
    expect(frames.map((frame) => frame.timeframe_start)).toEqual([5, 4, 3, 2].map(hoursAgo))
    expect(frames.map((frame) => frame.active_time_seconds)).toEqual([0, 0, 60, 120])
    expect(frames.at(-1)).toEqual({
      timeframe_start: hoursAgo(2),
      timeframe_end: hoursAgo(1),
      active_time_seconds: 120,
      compute_time_seconds: 240,
      written_data_bytes: 2000,
      synthetic_storage_size_bytes: 0,
    })
  })

  test('by day and by month adds up, and today is in it', async () => {
    const total = async (granularity: string, days: number): Promise<number> => {
      const from = new Date(Date.now() - days * 24 * hourMs).toISOString()
      const query = `from=${from}&to=${new Date().toISOString()}&granularity=${granularity}`
      const { body } = await get(`/consumption_history/projects?${query}&project_ids=${old}`)
      expect(problemsOfNamed('ConsumptionHistoryPerProjectResponse', body)).toEqual([])
      const { projects } = body as {
        projects: { periods: { consumption: { written_data_bytes: number }[] }[] }[]
      }
      return projects
        .flatMap(({ periods }) => periods.flatMap((period) => period.consumption))
        .reduce((sum, frame) => sum + frame.written_data_bytes, 0)
    }
    expect(await total('daily', 59)).toBe(5000)
    expect(await total('daily', 10)).toBe(4000)
    expect(await total('monthly', 360)).toBe(5000)
  })

  test('of the second version has the metrics that are named', async () => {
    const query =
      `from=${hoursAgo(4)}&to=${hoursAgo(0)}&granularity=hourly&org_id=org-coppice` +
      `&project_ids=${old},${project_id}` +
      '&metrics=compute_unit_seconds&metrics=public_network_transfer_bytes,extra_branches_month'
    const { status, body } = await get(`/consumption_history/v2/projects?${query}`)
    expect(status).toBe(200)
    expect(problemsOfNamed('ConsumptionHistoryPerProjectV2Response', body)).toEqual([])
    const { projects } = body as {
      projects: { project_id: string; periods: { consumption: { metrics: unknown }[] }[] }[]
    }
    // Newest first.
    expect(projects.map((one) => one.project_id)).toEqual([project_id, old])
    const frames = projects[1]?.periods.flatMap((period) => period.consumption)
    expect(frames?.at(-2)?.metrics).toEqual([
      { metric_name: 'compute_unit_seconds', value: 240 },
      { metric_name: 'public_network_transfer_bytes', value: 200 },
      { metric_name: 'extra_branches_month', value: 0 },
    ])
  })

  test('of branches has deleted ones, by project and branch, page by page', async () => {
    const list = async (cursor = ''): Promise<{ ids: string[]; cursor: string | undefined }> => {
      const query =
        `from=${hoursAgo(100)}&to=${hoursAgo(-1)}&granularity=hourly&org_id=org-coppice&limit=2` +
        `&project_ids=${old}&project_ids=${project_id}&cursor=${encodeURIComponent(cursor)}` +
        '&metrics=compute_unit_seconds,root_branch_bytes_month,child_branch_bytes_month'
      const { body } = await get(`/consumption_history/v2/branches?${query}`)
      expect(problemsOfNamed('ConsumptionHistoryPerBranchV2Response', body)).toEqual([])
      const { branches, pagination } = body as {
        branches: { project_id: string; branch_id: string }[]
        pagination: { cursor?: string }
      }
      const ids = branches.map((one) => `${one.project_id}/${one.branch_id}`)
      return { ids, cursor: pagination?.cursor }
    }
    const found: string[] = []
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const page = await list(cursor)
      found.push(...page.ids)
      cursor = page.cursor
    }
    expect(found).toEqual([...new Set(found)].toSorted())
    expect(found).toContain(`${old}/br-past-one-1`)
    expect(found).toContain(`${project_id}/${main.id}`)
    // Both projects' roots, the child, and the two that are deleted.
    expect(found).toHaveLength(5)
  })

  test('is paged by project', async () => {
    const query = { from: hoursAgo(1), to: hoursAgo(0), granularity: 'hourly' as const, limit: 1 }
    const first = await control.client.getConsumptionHistoryPerProject({ query })
    expect(first.projects.map((one) => one.project_id)).toEqual([old])
    const second = await control.client.getConsumptionHistoryPerProject({
      query: { ...query, cursor: must(first.pagination?.cursor, 'there is more') },
    })
    expect(second.projects.map((one) => one.project_id)).toEqual([project_id])
  })

  test.each([
    ['a range before what its granularity covers', `from=${hoursAgo(200)}`, 406, '168 hours'],
    ['an end before its beginning', `from=${hoursAgo(1)}&to=${hoursAgo(2)}`, 406, 'not after'],
    ['a beginning in the future', `from=${hoursAgo(-5)}&to=${hoursAgo(-6)}`, 406, 'in the future'],
    ['an unknown metric', 'metrics=colour', 400, 'colour'],
    ['an unknown granularity', 'granularity=yearly', 400, 'granularity'],
    ['another organization', 'org_id=org-other', 404, 'org-coppice'],
    ['a time that is none', 'from=yesterday', 400, 'from'],
  ])('refuses %s', async (_what, query, status, text) => {
    const params = new URLSearchParams({
      from: hoursAgo(3),
      to: hoursAgo(0),
      granularity: 'hourly',
    })
    for (const [name, value] of new URLSearchParams(query)) params.set(name, value)
    const answer = await get(`/consumption_history/projects?${params.toString()}`)
    expect(answer.status).toBe(status)
    expect(answer.body['message']).toContain(text)
  })

  test('of branches refuses to go without projects, and metrics of projects alone', async () => {
    const range = `from=${hoursAgo(3)}&to=${hoursAgo(0)}&granularity=hourly&org_id=org-coppice`
    const metrics = 'metrics=extra_branches_month'
    const base = `/consumption_history/v2/branches?${range}`
    expect(await get(`${base}&${metrics}`)).toMatchObject({ status: 400 })
    expect(await get(`${base}&${metrics}&project_ids=${old}`)).toMatchObject({ status: 400 })
    expect(await get(`${base}&project_ids=${old}`)).toMatchObject({ status: 400 })
    expect(
      await get(`${base}&metrics=compute_unit_seconds&project_ids=no-such-project`),
    ).toMatchObject({ status: 404 })
  })

  test('takes what gathered in weeks without a store', async () => {
    const { store } = control.context
    const rows = Array.from({ length: 7_000 }, (_, hour) =>
      hourRow(hoursAgo(hour), { endpoint_id: 'ep-patient', project_id: 'another' }),
    )
    await recordUsageHours(store, rows)
    const [count] = await store`
      select count(*)::integer as rows from usage_hours where endpoint_id = 'ep-patient'`
    expect(count).toEqual({ rows: 7_000 })
  })

  test('of more than a year ago is forgotten', async () => {
    const { store } = control.context
    const hour = new Date(Date.now() - 410 * 24 * hourMs).toISOString()
    await recordUsageHours(store, [hourRow(hour, { endpoint_id: 'ep-ancient' })])
    await trimUsage(store)
    const rows = await store`select from usage_hours where endpoint_id = 'ep-ancient'`
    expect(rows).toHaveLength(0)
  })
})

describe('a quota', () => {
  const setQuota = async (quota: Record<string, number>): Promise<void> => {
    const body = { project: { settings: { quota } } }
    await control.client.updateProject({ path: { project_id }, body })
  }
  const endpointPath = (compute: Compute) => ({ project_id, endpoint_id: compute.spec.endpointId })

  test('that is used up suspends the computes and keeps them so, until it is raised', async () => {
    const compute = computeOf(main.id)
    await compute.wake()
    await setQuota({ data_transfer_bytes: 1_000_000, written_data_bytes: 0 })
    expect(compute.state).toBe('active')
    compute.usage.countSent(1_000_000)
    await recordUsage(control.context)
    await enforceQuotas(control.context)
    expect(compute.state).toBe('idle')
    const path = endpointPath(compute)
    const refusal = { code: 'quota_exceeded', status: 422 }
    await expect(control.client.startProjectEndpoint({ path })).rejects.toMatchObject(refusal)
    await expect(control.client.restartProjectEndpoint({ path })).rejects.toMatchObject(refusal)
    // Without the store: what the host itself knows, and its file.
    await expect(compute.wake()).rejects.toThrow(/quota data_transfer_bytes of project/)
    const spec = await readSpec(compute.logFile.replace(/\/postgres.log$/, ''))
    expect(spec.blockedBecause).toContain('data_transfer_bytes')
    await setQuota({ data_transfer_bytes: 2_000_000 })
    await control.client.startProjectEndpoint({ path })
    expect(compute.state).toBe('active')
  })

  test('is changed without those that are not named', async () => {
    await setQuota({ active_time_seconds: 1_000_000 })
    const { quota } = (await getProject()).settings
    expect(quota).toMatchObject({ active_time_seconds: 1_000_000, data_transfer_bytes: 2_000_000 })
  })

  test('refuses a compute that would be made while it is exceeded', async () => {
    const { branch } = await control.client.createProjectBranch({
      path: { project_id },
      body: { branch: { name: 'late' } },
    })
    await setQuota({ data_transfer_bytes: 1 })
    const body = { endpoint: { branch_id: branch.id, type: 'read_write' as const } }
    await expect(
      control.client.createProjectEndpoint({ path: { project_id }, body }),
    ).rejects.toMatchObject({ code: 'quota_exceeded' })
    await setQuota({ data_transfer_bytes: 0 })
    await control.client.createProjectEndpoint({ path: { project_id }, body })
    await computeOf(branch.id).wake()
  })

  test('of size makes transactions read-only unless they ask otherwise, until there is less', async () => {
    const compute = computeOf(main.id)
    const { socketPath } = await compute.wake()
    const client = connectAs(socketPath, login)
    await client`create table mine as select n from generate_series(1, 10) n`
    await syncCatalog(control.context, main.id)
    await setQuota({ logical_size_bytes: 1_000_000 })
    expect(await getProject()).toMatchObject({ branch_logical_size_limit_bytes: 1_000_000 })
    const refusal = { code: '25006' }
    await until(
      async () => (await client`insert into mine values (1)`.catch(errorCode)) === '25006',
    )
    await expect(client`create table more (n int)`).rejects.toMatchObject(refusal)
    await client`set default_transaction_read_only = off`
    await client`delete from mine where n > 5`
    await client`vacuum full mine`
    await client`reset default_transaction_read_only`
    await expect(client`delete from mine`).rejects.toMatchObject(refusal)
    // It holds after a start as well, and the platform itself goes on.
    await client.end()
    await compute.suspend({ force: true })
    const next = connectAs((await compute.wake()).socketPath, login)
    await expect(next`delete from mine`).rejects.toMatchObject(refusal)
    const path = { project_id, branch_id: main.id }
    await control.client.createProjectBranchRole({ path, body: { role: { name: 'late' } } })
    // As if it had become smaller.
    await control.context.store`update branches set logical_size_bytes = 1 where id = ${main.id}`
    await enforceSizeQuotas(control.context)
    await until(async () => (await next`delete from mine`.catch(errorCode)) !== '25006')
    await next.end()
    await setQuota({ logical_size_bytes: 0 })
  })

  test('of last month lets in again', async () => {
    const compute = computeOf(main.id)
    await use(main.id)
    await recordUsage(control.context)
    await setQuota({ written_data_bytes: 1 })
    await expect(compute.wake()).rejects.toMatchObject({ code: 'quota_exceeded' })
    const { store } = control.context
    await store`
      update projects set usage = usage || '{"period_start": "2020-01-01T00:00:00.000Z"}'
      where id = ${project_id}`
    await enforceQuotas(control.context)
    await compute.wake()
    expect((await getProject()).written_data_bytes).toBe(0)
  })
})

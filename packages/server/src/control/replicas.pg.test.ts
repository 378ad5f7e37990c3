import { afterAll, beforeAll, expect, test } from 'vitest'

import type { Compute } from '../compute/compute.ts'
import { startTestControl, type TestControl } from '../testing/control.ts'
import { until } from '../testing/until.ts'

/** Read-only endpoints: they answer what their branch holds, as it changes, and change nothing. */
let control: TestControl
let project_id: string
let writer: Compute
let replica: Compute

const count = async (compute: Compute): Promise<number> =>
  compute.withSuperuser('neondb', async (sql) => {
    const [row] = await sql<{ count: string }[]>`select count(*)::text as count from public.visits`
    return Number(row?.count)
  })

const insert = async (n: number): Promise<void> =>
  writer.withSuperuser('neondb', async (sql) => {
    await sql`insert into public.visits values (${n})`
  })

const computeOf = (id: string): Compute => {
  const compute = control.context.host.get(id)
  if (compute === undefined) throw new Error(`${id} is not on the host`)
  return compute
}

beforeAll(async () => {
  control = await startTestControl()
  const made = await control.client.createProject({ body: { project: {} } })
  project_id = made.project.id
  writer = computeOf(made.endpoints[0]?.id ?? '')
  await writer.withSuperuser('neondb', async (sql) => sql`create table public.visits (n int)`)
  const { endpoint } = await control.client.createProjectEndpoint({
    path: { project_id },
    body: { endpoint: { branch_id: made.branch.id, type: 'read_only' } },
  })
  replica = computeOf(endpoint.id)
})

afterAll(async () => {
  await control?.close()
})

test('follows what its branch commits', async () => {
  expect(replica.state).toBe('active')
  await insert(1)
  await until(async () => (await count(replica)) === 1)
})

test('takes no changes', async () => {
  await expect(
    replica.withSuperuser('neondb', async (sql) => sql`insert into public.visits values (9)`),
  ).rejects.toThrow('cannot execute INSERT in a read-only transaction')
})

test('keeps its branch from nothing: the branch sleeps, wakes and is followed again', async () => {
  expect(await writer.suspend()).toBe('suspended')
  expect(await count(replica)).toBe(1)
  await insert(2)
  await until(async () => (await count(replica)) === 2, 30_000)
})

test('has everything at once after a sleep of its own', async () => {
  await replica.suspend({ force: true })
  for (let n = 3; n <= 10; n++) await insert(n)
  expect(await count(replica)).toBe(10)
})

test('is of another branch once its branch has been restored', async () => {
  await control.client.createProjectBranch({
    path: { project_id },
    body: { branch: { name: 'other' }, endpoints: [{ type: 'read_write' }] },
  })
  await insert(11)
  const { branches } = await control.client.listProjectBranches({
    path: { project_id },
    query: { search: 'other' },
  })
  await control.client.restoreProjectBranch({
    path: { project_id, branch_id: 'main' },
    body: { source_branch_id: branches[0]?.id ?? '', preserve_under_name: 'before' },
  })
  expect(await count(writer)).toBe(10)
  expect(await count(replica)).toBe(10)
})

test('goes with its volume', async () => {
  const { endpointId } = replica.spec
  expect(await control.context.volumes.exists(endpointId)).toBe(true)
  await control.client.deleteProjectEndpoint({ path: { project_id, endpoint_id: endpointId } })
  expect(await control.context.volumes.exists(endpointId)).toBe(false)
})

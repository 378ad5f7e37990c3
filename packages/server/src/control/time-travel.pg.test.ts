import { afterAll, beforeAll, expect, test } from 'vitest'

import { must } from '../lib/assert.ts'
import { startTestControl, type TestControl } from '../testing/control.ts'
import { until } from '../testing/until.ts'
import { findBranchCompute } from './branch-compute.ts'
import { takeLineSnapshot } from './history/line-snapshots.ts'
import { requireAnyBranch } from './store/branches.ts'
import { TimeTravel } from './time-travel.ts'

let control: TestControl

beforeAll(async () => {
  control = await startTestControl()
  await control.context.history.archiver.start()
})
afterAll(async () => control?.close())

/** A project with a past, and a moment of it as a client names it; each LSN is another one. */
async function makePast(): Promise<{ projectId: string; moments: string[] }> {
  const { context, client } = control
  const { project, branch } = await client.createProject({ body: { project: {} } })
  const compute = must(await findBranchCompute(context, branch.id), 'a branch has a compute')
  const { volume_id } = await requireAnyBranch(context.store, branch.id)
  await takeLineSnapshot(context, volume_id)
  const moments: string[] = []
  for (let number = 0; number < 2; number += 1) {
    const lsn = await compute.withSuperuser('neondb', async (sql) => {
      await sql.unsafe(`create table public.t${number} ()`)
      const [row] = await sql<{ lsn: string }[]>`select pg_current_wal_insert_lsn() as lsn`
      return row?.lsn
    })
    await compute.withSuperuser('postgres', async (sql) => sql`select pg_switch_wal()`)
    moments.push(`${branch.id}@${lsn}`)
  }
  return { projectId: project.id, moments }
}

test('of the moments that are looked at a project has its share, and others theirs', async () => {
  const travel = new TimeTravel(control.context, { visitsMax: 2 })
  const [busy, quiet] = [await makePast(), await makePast()]
  const [first = '', second = ''] = busy.moments
  const visited = await travel.visit(first)
  await expect(travel.visit(second)).rejects.toMatchObject({
    code: 'limit_reached',
    message: expect.stringContaining(
      `project ${busy.projectId} has 1 of the 2 moments of the past that may be looked at`,
    ),
  })
  // It is the same look.
  expect(await travel.visit(first)).toBe(visited)
  const other = await travel.visit(quiet.moments[0] ?? '')
  await other.wake()
  await visited.wake()
  await visited.suspend({ force: true })
  const isRefused = async () =>
    travel.visit(second).then(
      () => false,
      () => true,
    )
  await until(async () => !(await isRefused()))
  const again = await travel.visit(second)
  await again.wake()
  for (const compute of [other, again]) await compute.suspend({ force: true })
})

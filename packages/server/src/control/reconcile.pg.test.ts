import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'

import { startTestControl, type TestControl } from '../testing/control.ts'
import { expireBranches, expireSnapshots, purgeDeleted } from './reconcile.ts'

/** Things that are changed after they were listed, while others have their turn. */
let control: TestControl
let project_id: string

beforeAll(async () => {
  control = await startTestControl()
  project_id = (await control.client.createProject({ body: { project: {} } })).project.id
})

afterAll(async () => {
  await control?.close()
})

const later = (): string => new Date(Date.now() + 3_600_000).toISOString()

test('a branch whose end is moved while another expires stays', async () => {
  const { client, context } = control
  const [first, second] = await Promise.all(
    ['first', 'second'].map(async (name) => {
      const made = await client.createProjectBranch({
        path: { project_id },
        body: { branch: { name, expires_at: later() }, endpoints: [{ type: 'read_write' }] },
      })
      return made.branch.id
    }),
  )
  await context.store`
    update branches set expires_at = case name when 'first' then now() - interval '1 minute' else now() end
    where expires_at is not null`
  const remove = context.host.remove.bind(context.host)
  const removes = vi.spyOn(context.host, 'remove').mockImplementationOnce(async (id) => {
    const path = { project_id, branch_id: second ?? '' }
    await client.updateProjectBranch({ path, body: { branch: { expires_at: later() } } })
    return remove(id)
  })
  onTestFinished(() => removes.mockRestore())
  await expireBranches(context)
  const { branches } = await client.listProjectBranches({ path: { project_id }, query: {} })
  const ids = branches.map(({ id }) => id)
  expect(ids).not.toContain(first)
  expect(ids).toContain(second)
})

test('a snapshot whose end is moved while another is purged stays', async () => {
  const { client, context } = control
  const made: string[] = []
  for (const name of ['first', 'second']) {
    const { snapshot } = await client.createSnapshot({
      path: { project_id, branch_id: 'main' },
      query: { name, expires_at: later() },
    })
    made.push(snapshot.id)
  }
  await context.store`
    update snapshots set expires_at = case name when 'first' then now() - interval '1 minute' else now() end`
  const destroy = context.volumes.destroy.bind(context.volumes)
  const destroys = vi.spyOn(context.volumes, 'destroy').mockImplementationOnce(async (id) => {
    const path = { project_id, snapshot_id: made[1] ?? '' }
    await client.updateSnapshot({ path, body: { snapshot: { expires_at: later() } } })
    return destroy(id)
  })
  onTestFinished(() => destroys.mockRestore())
  await expireSnapshots(context)
  const { snapshots } = await client.listSnapshots({ path: { project_id } })
  expect(snapshots.map(({ id }) => id)).toEqual([made[1]])
})

test('a branch that is recovered and deleted anew while another is purged can be recovered', async () => {
  const { client, context } = control
  const [first = '', second = ''] = await Promise.all(
    ['oldest', 'older'].map(async (name) => {
      const { branch } = await client.createProjectBranch({
        path: { project_id },
        body: { branch: { name } },
      })
      await client.deleteProjectBranch({ path: { project_id, branch_id: branch.id }, query: {} })
      return branch.id
    }),
  )
  await context.store`
    update branches set recoverable_until = now(),
      deleted_at = deleted_at - case name when 'oldest' then interval '1 minute' else interval '0' end
    where id in ${context.store([first, second])}`
  const path = { project_id, branch_id: second }
  const destroy = context.volumes.destroy.bind(context.volumes)
  const destroys = vi.spyOn(context.volumes, 'destroy').mockImplementationOnce(async (id) => {
    await context.store`update branches set recoverable_until = now() + interval '1 minute' where id = ${second}`
    await client.recoverProjectBranch({ path })
    await client.deleteProjectBranch({ path, query: {} })
    return destroy(id)
  })
  onTestFinished(() => destroys.mockRestore())
  await purgeDeleted(context)
  expect(await context.volumes.exists(first)).toBe(false)
  expect(await context.volumes.exists(second)).toBe(true)
  await client.recoverProjectBranch({ path })
})

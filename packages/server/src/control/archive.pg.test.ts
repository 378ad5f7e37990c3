import { mkdir, readdir, writeFile } from 'node:fs/promises'

import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'

import type { Compute } from '../compute/compute.ts'
import { startTestControl, type TestControl } from '../testing/control.ts'
import { until } from '../testing/until.ts'
import { packArchivedBranches } from './archive.ts'
import { takeLineSnapshot } from './history/line-snapshots.ts'
import { packedDirectory, packedPath, sweepPacked } from './packed-volume.ts'
import { findUnknownVolumes } from './pool-contents.ts'
import { setArchived } from './store/branches.ts'
import { listLineSnapshots } from './store/line-snapshots.ts'

/** Branches that are put away, and come back by being used. */
let control: TestControl
let project_id: string

beforeAll(async () => {
  control = await startTestControl()
  // Without a past, what is put away is packed at once.
  const made = await control.client.createProject({
    body: { project: { history_retention_seconds: 0 } },
  })
  project_id = made.project.id
})

afterAll(async () => {
  await control?.close()
})

async function makeBranch(
  name: string,
  path = { project_id },
): Promise<{ id: string; compute: Compute }> {
  const { branch, endpoints } = await control.client.createProjectBranch({
    path,
    body: { branch: { name }, endpoints: [{ type: 'read_write' }] },
  })
  const compute = control.context.host.get(endpoints[0]?.id ?? '')
  if (compute === undefined) throw new Error('the branch has no compute')
  await compute.withSuperuser(
    'neondb',
    async (sql) => sql`create table public.kept as select 7 as n`,
  )
  return { id: branch.id, compute }
}

const archive = async (branch_id: string, archived: boolean) =>
  control.client.updateProjectBranch({
    path: { project_id, branch_id },
    body: { branch: { archived } },
  })

/** As one that was put away long ago. */
async function archiveLongAgo(id: string): Promise<void> {
  await setArchived(control.context.store, id, true)
  await control.context
    .store`update branches set archived_at = now() - interval '30 days' where id = ${id}`
}

const read = async (compute: Compute): Promise<unknown> =>
  compute.withSuperuser('neondb', async (sql) => (await sql`select n from public.kept`)[0]?.['n'])

test('a branch is put away, packed, and comes back with the first use', async () => {
  const { id, compute } = await makeBranch('cold')
  expect((await archive(id, true)).branch.current_state).toBe('archived')
  expect(compute.state).toBe('idle')
  await packArchivedBranches(control.context)
  expect(await control.context.volumes.exists(id)).toBe(false)
  expect(await read(compute)).toBe(7)
  expect(await control.context.volumes.exists(id)).toBe(true)
  await packArchivedBranches(control.context)
  const { branch } = await control.client.getProjectBranch({ path: { project_id, branch_id: id } })
  expect(branch.current_state).toBe('ready')
})

test('one that is packed can be branched, brought back by name, deleted and recovered', async () => {
  const { id, compute } = await makeBranch('packed')
  await archive(id, true)
  await packArchivedBranches(control.context)
  await control.client.deleteProjectBranch({ path: { project_id, branch_id: id }, query: {} })
  await control.client.recoverProjectBranch({ path: { project_id, branch_id: id } })
  const { endpoints } = await control.client.createProjectBranch({
    path: { project_id },
    body: { branch: { name: 'child', parent_id: id }, endpoints: [{ type: 'read_write' }] },
  })
  const child = control.context.host.get(endpoints[0]?.id ?? '')
  expect(child && (await read(child))).toBe(7)
  expect((await archive(id, false)).branch.current_state).toBe('ready')
  expect(compute.spec.endpointId).not.toBe(endpoints[0]?.id)
})

test('the default branch, protected ones and parents are not put away', async () => {
  const { id } = await makeBranch('guarded')
  await expect(archive('main', true)).rejects.toMatchObject({ code: 'branch_is_default' })
  await control.client.updateProjectBranch({
    path: { project_id, branch_id: id },
    body: { branch: { protected: true } },
  })
  await expect(archive(id, true)).rejects.toMatchObject({ code: 'branch_is_protected' })
  await expect(archive('packed', true)).rejects.toMatchObject({ code: 'branch_has_children' })
})

test('one that is brought back while it waits to be packed keeps its history', async () => {
  const { context } = control
  const { id, compute } = await makeBranch('brought-back')
  await takeLineSnapshot(context, id)
  await compute.suspend({ force: true })
  await archiveLongAgo(id)
  const turns = vi.spyOn(context.locks, 'run')
  onTestFinished(() => turns.mockRestore())
  let packing: Promise<void> | undefined
  await context.locks.run(id, async () => {
    packing = packArchivedBranches(context)
    await until(() => turns.mock.calls.filter(([key]) => key === id).length === 2)
    await setArchived(context.store, id, false)
  })
  await packing
  expect(await listLineSnapshots(context.store, id)).toHaveLength(1)
  expect(await context.volumes.exists(id)).toBe(true)
})

test('one that was written to since it was put away keeps its history for its window', async () => {
  const { context, client } = control
  const { project } = await client.createProject({ body: { project: {} } })
  const { id, compute } = await makeBranch('used', { project_id: project.id })
  await takeLineSnapshot(context, id)
  await archiveLongAgo(id)
  // Asleep again before anybody has looked whether it is in use.
  expect(await read(compute)).toBe(7)
  await compute.suspend({ force: true })
  await packArchivedBranches(context)
  expect(await listLineSnapshots(context.store, id)).toHaveLength(1)
  expect(await context.volumes.exists(id)).toBe(true)
})

test('what is left of packing goes at a start, and what no row explains is told of', async () => {
  const { context } = control
  const { id } = await makeBranch('left')
  const packed = await makeBranch('left-packed')
  await archive(packed.id, true)
  await packArchivedBranches(context)
  const directory = packedDirectory(context.volumes.root)
  await mkdir(directory, { recursive: true })
  // Half-made, beside a volume that was not destroyed or is made again, of a branch that is not there.
  for (const path of [`${packedPath(context, id)}.unfinished`, packedPath(context, id)]) {
    await writeFile(path, '')
  }
  await writeFile(packedPath(context, 'nobodys'), '')
  await sweepPacked(context)
  const left = await readdir(directory)
  expect(left.filter((name) => name.startsWith(id))).toEqual([])
  expect(left).toContain(`${packed.id}.tar.gz`)
  expect(left).toContain('nobodys.tar.gz')
  expect(await findUnknownVolumes(context)).toEqual(['archive/nobodys.tar.gz'])
  expect(await read(packed.compute)).toBe(7)
})

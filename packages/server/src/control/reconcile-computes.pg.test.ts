import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'

import type { Compute } from '../compute/compute.ts'
import { must } from '../lib/assert.ts'
import { startTestControl, type TestControl } from '../testing/control.ts'
import { createLeftOperationsRecoverer } from './operations/runner.ts'
import { purgeIfExpired } from './projects.ts'
import { createLeftComputesReconciler } from './reconcile-computes.ts'
import { requireAnyBranch } from './store/branches.ts'
import type { Store } from './store/store.ts'
import { volumeOfDataDirectory } from './volumes.ts'

/** The host's computes and the store's rows come to agree, whatever came between. */
let control: TestControl
let project_id: string

beforeAll(async () => {
  control = await startTestControl()
  project_id = (await control.client.createProject({ body: { project: {} } })).project.id
})
afterAll(async () => control?.close())

async function makeBranch(name: string): Promise<{ id: string; endpointId: string }> {
  const { branch, endpoints } = await control.client.createProjectBranch({
    path: { project_id },
    body: { branch: { name }, endpoints: [{ type: 'read_write' }] },
  })
  return { id: branch.id, endpointId: must(endpoints[0], 'one was asked for').id }
}

const computeOf = (endpointId: string): Compute | undefined => control.context.host.get(endpointId)

/** As the reconcilers do, who act on what they have seen twice. */
async function lookTwice(
  create: () => (context: TestControl['context']) => Promise<void>,
): Promise<void> {
  const reconcile = create()
  await reconcile(control.context)
  await reconcile(control.context)
}

/** The store goes away as soon as a transaction has been committed. */
function loseStoreAfterCommit(): () => void {
  const { context } = control
  const real = context.store
  let isLost = false
  const begin = async (...given: unknown[]): Promise<unknown> => {
    const answer: unknown = await real.begin(...(given as [() => Promise<unknown>]))
    isLost = true
    return answer
  }
  context.store = new Proxy(real, {
    apply: (_, self, given: unknown[]): unknown => {
      if (isLost) throw Object.assign(new Error('gone'), { code: 'ECONNREFUSED' })
      return Reflect.apply(real, self, given)
    },
    get: (_, name): unknown => (name === 'begin' ? begin : Reflect.get(real, name)),
  }) as Store
  return () => void (context.store = real)
}

test('a restore whose compute could not be told of its data writes to no other, and is finished', async () => {
  const { client, context } = control
  const { id, endpointId } = await makeBranch('restored')
  const { parent_id } = await requireAnyBranch(context.store, id)
  const compute = must(computeOf(endpointId), 'it was made')
  await compute.withSuperuser('postgres', async (sql) => sql`create table public.mine ()`)
  // A directory cannot be written to, nor replaced by a file.
  const specFile = join(dirname(compute.logFile), 'spec.json')
  await rm(specFile)
  await mkdir(join(specFile, 'in the way'), { recursive: true })

  const restored = client.restoreProjectBranch({
    path: { project_id, branch_id: id },
    body: { source_branch_id: must(parent_id ?? undefined, 'it has a parent') },
  })
  await expect(restored).rejects.toMatchObject({ status: 500 })
  expect(computeOf(endpointId)).toBeUndefined()

  await lookTwice(createLeftOperationsRecoverer)
  const { operations } = await client.listProjectOperations({ path: { project_id }, query: {} })
  expect(operations.find(({ branch_id }) => branch_id === id)).toMatchObject({
    action: 'swap_binding_id',
    status: 'finished',
  })
  const again = must(computeOf(endpointId), 'it has been told')
  const { volume_id } = await requireAnyBranch(context.store, id)
  expect(volumeOfDataDirectory(again.spec.dataDirectory)).toBe(volume_id)
  const [row] = await again.withSuperuser(
    'postgres',
    async (sql) => sql`select to_regclass('public.mine') as mine`,
  )
  expect(row).toEqual({ mine: null })
})

test('a compute that the host has lost is told of again', async () => {
  const { endpointId } = await makeBranch('lost')
  await control.context.host.remove(endpointId)
  await lookTwice(createLeftComputesReconciler)
  expect(computeOf(endpointId)).toBeDefined()
})

test('what somebody works on is left alone', async () => {
  const { id, endpointId } = await makeBranch('worked-on')
  await control.context.host.remove(endpointId)
  await control.context.locks.run(id, async () => lookTwice(createLeftComputesReconciler))
  expect(computeOf(endpointId)).toBeUndefined()
})

test('a project whose deletion was cut off by the store has no computes', async () => {
  const { client } = control
  const { project, endpoints } = await client.createProject({ body: { project: {} } })
  const path = { project_id: project.id }
  const comeBack = loseStoreAfterCommit()
  onTestFinished(comeBack)
  await expect(client.deleteProject({ path, query: {} })).rejects.toThrow('store')
  comeBack()
  await expect(client.getProject({ path })).rejects.toMatchObject({ code: 'project_not_found' })
  await lookTwice(createLeftComputesReconciler)
  expect(computeOf(must(endpoints[0], 'a project has a compute').id)).toBeUndefined()
})

test('a branch whose name is taken is not recovered, and has no compute', async () => {
  const { client } = control
  const one = await makeBranch('taken')
  const path = { project_id, branch_id: one.id }
  await client.deleteProjectBranch({ path, query: {} })
  await makeBranch('taken')
  await expect(client.recoverProjectBranch({ path })).rejects.toMatchObject({
    code: 'branch_exists',
  })
  expect(computeOf(one.endpointId)).toBeUndefined()
})

test('a project is recovered or purged, and not both', async () => {
  const { client, context } = control
  const { project } = await client.createProject({ body: { project: {} } })
  const path = { project_id: project.id }
  await client.deleteProject({ path, query: {} })
  await context.store`update projects set recoverable_until = now() where id = ${project.id}`
  const purged = purgeIfExpired(context, project.id)
  await expect(client.recoverProject({ path })).rejects.toMatchObject({ code: 'project_not_found' })
  await purged

  const other = await client.createProject({ body: { project: {} } })
  await client.deleteProject({ path: { project_id: other.project.id }, query: {} })
  await client.recoverProject({ path: { project_id: other.project.id } })
  await purgeIfExpired(context, other.project.id)
  await client.getProject({ path: { project_id: other.project.id } })
})

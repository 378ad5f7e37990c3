import { afterAll, beforeAll, expect, test } from 'vitest'

import { must } from '../../lib/assert.ts'
import { startTestControl, type TestControl } from '../../testing/control.ts'
import { insertBranch } from '../store/branches.ts'
import { insertOperation, type NewOperation } from '../store/operations.ts'
import { recoverLeftOperations } from './runner.ts'

/** Operations that a dead store has left open are finished or undone without a restart. */
let control: TestControl
let project_id: string
let branch_id: string
let endpoint_id: string

beforeAll(async () => {
  control = await startTestControl()
  const { client } = control
  const made = await client.createProject({ body: { project: {} } })
  project_id = made.project.id
  branch_id = made.branch.id
  endpoint_id = must(made.endpoints[0], 'a project has a compute').id
})
afterAll(async () => control?.close())

/** Open for longer than an operation is in nobody's hands. */
async function leave(operation: Omit<NewOperation, 'project_id'>): Promise<string> {
  const { store } = control.context
  const { id } = await insertOperation(store, { project_id, ...operation, status: 'running' })
  await store`update operations set updated_at = now() - interval '1 minute' where id = ${id}`
  return id
}

async function statusOf(operation_id: string): Promise<string> {
  const path = { project_id, operation_id }
  return (await control.client.getProjectOperation({ path })).operation.status
}

test('what can be finished is finished, unless somebody works on its branch', async () => {
  const path = { project_id, endpoint_id }
  await control.client.startProjectEndpoint({ path })
  const id = await leave({ action: 'suspend_compute', branch_id, endpoint_id })
  await control.context.locks.run(branch_id, async () => recoverLeftOperations(control.context))
  expect(await statusOf(id)).toBe('running')
  await recoverLeftOperations(control.context)
  expect(await statusOf(id)).toBe('finished')
  expect((await control.client.getProjectEndpoint({ path })).endpoint.current_state).toBe('idle')
})

test('a creation is undone, and its name is free again', async () => {
  const { context, client } = control
  const create = async () =>
    client.createProjectBranch({ path: { project_id }, body: { branch: { name: 'left' } } })
  await insertBranch(context.store, {
    id: 'br-left',
    name: 'left',
    volume_id: 'br-left',
    project_id,
    parent_id: branch_id,
    is_default: false,
    protected: false,
    expires_at: null,
  })
  await expect(create()).rejects.toThrow('left')
  await leave({ action: 'create_branch', branch_id: 'br-left' })
  await recoverLeftOperations(context)
  expect((await create()).branch.name).toBe('left')
})

test('a fresh one is left to whoever is about to run it', async () => {
  const row = await insertOperation(control.context.store, {
    project_id,
    branch_id,
    endpoint_id,
    action: 'suspend_compute',
  })
  await recoverLeftOperations(control.context)
  expect(await statusOf(row.id)).toBe('scheduling')
})

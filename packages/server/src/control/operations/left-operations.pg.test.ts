import { afterAll, beforeAll, expect, test } from 'vitest'

import { must } from '../../lib/assert.ts'
import { startTestControl, type TestControl } from '../../testing/control.ts'
import { insertBranch } from '../store/branches.ts'
import { insertOperation, type NewOperation } from '../store/operations.ts'
import { createLeftOperationsRecoverer } from './runner.ts'

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

async function leave(operation: Omit<NewOperation, 'project_id'>): Promise<string> {
  const row = { project_id, ...operation, status: 'running' as const }
  return (await insertOperation(control.context.store, row)).id
}

async function lookTwice(): Promise<void> {
  const recover = createLeftOperationsRecoverer()
  await recover(control.context)
  await recover(control.context)
}

async function statusOf(operation_id: string): Promise<string> {
  const path = { project_id, operation_id }
  return (await control.client.getProjectOperation({ path })).operation.status
}

test('what can be finished is finished, unless somebody works on its branch', async () => {
  const path = { project_id, endpoint_id }
  await control.client.startProjectEndpoint({ path })
  const id = await leave({ action: 'suspend_compute', branch_id, endpoint_id })
  await control.context.locks.run(branch_id, lookTwice)
  expect(await statusOf(id)).toBe('running')
  await lookTwice()
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
  await lookTwice()
  expect((await create()).branch.name).toBe('left')
})

test('one that is seen for the first time is left to whoever is about to run it', async () => {
  const id = await leave({ action: 'suspend_compute', branch_id, endpoint_id })
  await createLeftOperationsRecoverer()(control.context)
  expect(await statusOf(id)).toBe('running')
})

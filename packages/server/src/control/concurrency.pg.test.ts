import { ApiError } from '@coppice/api'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { must } from '../lib/assert.ts'
import { startTestControl, type TestControl } from '../testing/control.ts'
import { until } from '../testing/until.ts'
import { type Queryable, transact } from './store/store.ts'

/** Conflicting changes at the same time: each is answered as if it had come before or after the others. */
let control: TestControl
let project_id: string
let name = 0
/** A branch of the test's own, with a compute. */
let branch_id: string
let endpoint_id: string

beforeAll(async () => {
  control = await startTestControl()
  project_id = (await control.client.createProject({ body: { project: {} } })).project.id
})
afterAll(async () => control?.close())
beforeEach(async () => {
  const made = await makeBranch()
  branch_id = made.branch.id
  endpoint_id = must(made.endpoints[0], 'it was asked for').id
})

const makeBranch = async (project = project_id) =>
  control.client.createProjectBranch({
    path: { project_id: project },
    body: { branch: { name: `b${++name}` }, endpoints: [{ type: 'read_write' }] },
  })

/** `done`, or the code that a call was refused with. Anything else fails the test. */
async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'done'
  } catch (error) {
    if (error instanceof ApiError) return error.code
    throw error
  }
}

async function together(count: number, call: () => Promise<unknown>): Promise<string[]> {
  return (await Promise.all(Array.from({ length: count }, async () => outcome(call())))).toSorted()
}

const computes = () => control.context.host.list().map(({ spec }) => spec.endpointId)

test('of equal names one wins, for branches, roles, databases and computes', async () => {
  const path = { project_id, branch_id }
  const { client } = control
  expect(
    await together(4, async () =>
      client.createProjectBranch({ path: { project_id }, body: { branch: { name: 'same' } } }),
    ),
  ).toEqual(['branch_exists', 'branch_exists', 'branch_exists', 'done'])
  const passwords: (string | undefined)[] = []
  expect(
    await together(4, async () => {
      const body = { role: { name: 'same' } }
      passwords.push((await client.createProjectBranchRole({ path, body })).role.password)
    }),
  ).toEqual(['done', 'role_exists', 'role_exists', 'role_exists'])
  const revealed = await client.getProjectBranchRolePassword({
    path: { ...path, role_name: 'same' },
  })
  expect(passwords).toEqual([revealed.password])
  const database = { name: 'same', owner_name: 'same' }
  expect(
    await together(3, async () => client.createProjectBranchDatabase({ path, body: { database } })),
  ).toEqual(['database_exists', 'database_exists', 'done'])
  await client.deleteProjectEndpoint({ path: { project_id, endpoint_id } })
  const endpoint = { branch_id, type: 'read_write' as const }
  expect(
    await together(3, async () =>
      client.createProjectEndpoint({ path: { project_id }, body: { endpoint } }),
    ),
  ).toEqual(['done', 'endpoint_exists', 'endpoint_exists'])
})

test('a role is not dropped while it becomes the owner of a database', async () => {
  const path = { project_id, branch_id }
  await control.client.createProjectBranchRole({ path, body: { role: { name: 'owner' } } })
  const database = { name: 'owned', owner_name: 'owner' }
  const [made, dropped] = await Promise.all([
    outcome(control.client.createProjectBranchDatabase({ path, body: { database } })),
    outcome(control.client.deleteProjectBranchRole({ path: { ...path, role_name: 'owner' } })),
  ])
  expect([
    ['done', 'role_owns_objects'],
    ['role_not_found', 'done'],
  ]).toContainEqual([made, dropped])
})

test('starts, suspends, restarts and changes take turns, and every operation finishes', async () => {
  const path = { project_id, endpoint_id }
  const { client } = control
  const outcomes = await Promise.all(
    Array.from({ length: 4 }, (_, at) => [
      outcome(client.startProjectEndpoint({ path })),
      outcome(client.suspendProjectEndpoint({ path })),
      outcome(client.restartProjectEndpoint({ path })),
      outcome(
        client.updateProjectEndpoint({
          path,
          body: { endpoint: { settings: { pg_settings: { work_mem: `${at + 4}MB` } } } },
        }),
      ),
    ]).flat(),
  )
  // One that sleeps is not restarted.
  expect(outcomes.filter((one) => one !== 'done' && one !== 'invalid_request')).toEqual([])
  await until(async () => {
    const { operations } = await client.listProjectOperations({
      path: { project_id },
      query: { limit: 200 },
    })
    return operations.every(({ status }) => status === 'finished' || status === 'failed')
  })
  const { operations } = await client.listProjectOperations({
    path: { project_id },
    query: { limit: 200 },
  })
  const own = operations.filter((operation) => operation.endpoint_id === endpoint_id)
  expect(own.map(({ status }) => status)).not.toContain('failed')
  expect((await client.startProjectEndpoint({ path })).endpoint.current_state).toBe('active')
})

test('what is made while its branch is deleted is not left running', async () => {
  const { client } = control
  await client.deleteProjectEndpoint({ path: { project_id, endpoint_id } })
  const endpoint = { branch_id, type: 'read_write' as const }
  const [made] = await Promise.all([
    outcome(client.createProjectEndpoint({ path: { project_id }, body: { endpoint } })),
    outcome(client.deleteProjectBranch({ path: { project_id, branch_id }, query: {} })),
  ])
  expect(['done', 'branch_not_found', 'endpoint_not_found']).toContain(made)
  const rows = await control.context.store<{ id: string }[]>`
    select id from endpoints where branch_id = ${branch_id}`
  for (const { id } of rows) expect(computes()).not.toContain(id)
})

test('what changes while it is deleted is either changed or not there', async () => {
  const path = { project_id, endpoint_id }
  const { client } = control
  const outcomes = await Promise.all([
    ...Array.from({ length: 5 }, async (_, at) =>
      outcome(client.updateProjectEndpoint({ path, body: { endpoint: { name: `name ${at}` } } })),
    ),
    outcome(client.deleteProjectEndpoint({ path })),
    outcome(client.deleteProjectEndpoint({ path })),
    outcome(client.startProjectEndpoint({ path })),
  ])
  expect(outcomes.filter((one) => one !== 'done' && one !== 'endpoint_not_found')).toEqual([])
  expect(computes()).not.toContain(endpoint_id)
})

test.each([{}, { hard_delete: true }])(
  'branches that are made while their project is deleted (%j) are gone with it',
  async (query) => {
    const { client, context } = control
    const { project } = await client.createProject({ body: { project: {} } })
    const path = { project_id: project.id }
    const before = computes()
    const outcomes = await Promise.all([
      ...Array.from({ length: 3 }, async () => outcome(makeBranch(project.id))),
      outcome(client.deleteProject({ path, query })),
      outcome(client.updateProject({ path, body: { project: { name: 'late' } } })),
    ])
    const refusals = ['done', 'project_not_found', 'branch_not_found']
    expect(outcomes.filter((one) => !refusals.includes(one))).toEqual([])
    expect(outcomes[3]).toBe('done')
    const rows = await context.store<{ id: string }[]>`
      select id from endpoints where project_id = ${project.id}`
    const left = computes()
    expect(rows.filter(({ id }) => left.includes(id))).toEqual([])
    // Of those before, the project's own is gone; no other has come.
    expect(left.filter((id) => !before.includes(id))).toEqual([])
    if (!query.hard_delete) return
    expect(rows).toEqual([])
    const volumes = await context.store`select from branches where project_id = ${project.id}`
    expect(volumes).toEqual([])
  },
)

test('of two transactions that wait for each other one is run again', async () => {
  const { store } = control.context
  const other = (await makeBranch()).branch.id
  const touch = async (sql: Queryable, id: string): Promise<unknown> =>
    sql`update branches set updated_at = now() where id = ${id}`
  let runs = 0
  let holding = 0
  const cross = async (first: string, second: string): Promise<void> =>
    transact(store, async (sql) => {
      runs++
      await touch(sql, first)
      holding++
      if (runs <= 2) await until(async () => holding >= 2)
      await touch(sql, second)
    })
  await Promise.all([cross(branch_id, other), cross(other, branch_id)])
  expect(runs).toBe(3)
})

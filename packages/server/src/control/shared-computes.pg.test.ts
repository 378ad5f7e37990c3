import { afterAll, beforeAll, expect, test } from 'vitest'

import { startTestControl, type TestControl } from '../testing/control.ts'

let control: TestControl
let path: { project_id: string }

beforeAll(async () => {
  control = await startTestControl()
  const { project } = await control.client.createProject({ body: { project: {} } })
  path = { project_id: project.id }
})
afterAll(async () => control?.close())

const createBranch = async (name: string, endpoint: Record<string, unknown> = {}) => {
  const { endpoints } = await control.client.createProjectBranch({
    path,
    body: { branch: { name }, endpoints: [{ type: 'read_write', disabled: true, ...endpoint }] },
  })
  const [made] = endpoints
  if (made === undefined) throw new Error('no endpoint')
  return made
}
const updateEndpoint = async (endpoint_id: string, endpoint: Record<string, unknown>) =>
  control.client.updateProjectEndpoint({ path: { ...path, endpoint_id }, body: { endpoint } })
const specOf = (id: string) => control.context.host.get(id)?.spec
const compute = { min: 0.5, max: 1 }
const size = {
  autoscaling_limit_min_cu: compute.min,
  autoscaling_limit_max_cu: compute.max,
}

test('branches share a compute, and its size is theirs, until it is deleted', async () => {
  const { compute: dev } = await control.client.createProjectCompute({
    path,
    body: { compute: { name: 'dev', ...size } },
  })
  expect(dev).toMatchObject({ name: 'dev', ...size, for_new_branches: false, endpoint_ids: [] })
  const one = await createBranch('one', { compute_id: 'dev' })
  const own = { autoscaling_limit_min_cu: 0.25, autoscaling_limit_max_cu: 4 }
  const other = await createBranch('other', own)
  expect(one).toMatchObject({ compute_id: dev.id, compute_name: 'dev', ...size })
  expect(other).not.toHaveProperty('compute_id')
  await updateEndpoint(other.id, { compute_id: dev.id })
  expect(specOf(other.id)).toMatchObject({ sharedCompute: dev.id, maxComputeUnits: 1 })
  const shared = control.context.host.get(one.id)?.size
  expect(control.context.host.get(other.id)?.size).toBe(shared)

  const changed = await control.client.updateProjectCompute({
    path: { ...path, compute_id: 'dev' },
    body: { compute: { name: 'team', autoscaling_limit_max_cu: 2 } },
  })
  expect(changed.compute).toMatchObject({ id: dev.id, name: 'team', autoscaling_limit_max_cu: 2 })
  expect(changed.compute.endpoint_ids).toEqual([one.id, other.id])
  expect(shared?.bounds).toEqual({ min: 0.5, max: 2 })
  await expect(updateEndpoint(one.id, { autoscaling_limit_max_cu: 4 })).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringContaining('computes set team'),
  })

  await control.client.deleteProjectCompute({ path: { ...path, compute_id: 'team' } })
  const gone = await control.client.deleteProjectCompute({ path: { ...path, compute_id: 'team' } })
  expect(gone).toBeUndefined()
  expect(specOf(other.id)).toMatchObject({ sharedCompute: '', maxComputeUnits: 4 })
  const { endpoint } = await control.client.getProjectEndpoint({
    path: { ...path, endpoint_id: other.id },
  })
  expect(endpoint).toMatchObject(own)
  expect(endpoint).not.toHaveProperty('compute_id')
})

test('new branches share the one that is for them, unless they ask for something else', async () => {
  const create = async (name: string) =>
    control.client.createProjectCompute({
      path,
      body: { compute: { name, ...size, for_new_branches: true } },
    })
  await create('first')
  const { compute: previews } = await create('previews')
  const { computes } = await control.client.listProjectComputes({ path })
  expect(computes.map((one) => [one.name, one.for_new_branches])).toEqual([
    ['first', false],
    ['previews', true],
  ])
  expect(await createBranch('preview')).toMatchObject({ compute_id: previews.id })
  const sized = await createBranch('sized', { autoscaling_limit_max_cu: 3 })
  expect(sized).not.toHaveProperty('compute_id')
  const alone = await createBranch('alone', { compute_id: null })
  expect(alone).not.toHaveProperty('compute_id')
})

test('what cannot be is refused, with nothing made', async () => {
  const create = async (wanted: { name: string; autoscaling_limit_max_cu?: number }) =>
    control.client.createProjectCompute({ path, body: { compute: wanted } })
  await create({ name: 'taken' })
  await expect(create({ name: 'taken' })).rejects.toMatchObject({ code: 'compute_exists' })
  for (const wanted of [
    { name: ' ' },
    { name: 'compute-like-an-id' },
    { name: 'odd', autoscaling_limit_max_cu: 0.3 },
  ]) {
    await expect(create(wanted)).rejects.toMatchObject({ code: 'invalid_request' })
  }
  const missing = { code: 'compute_not_found' }
  await expect(createBranch('lost', { compute_id: 'nowhere' })).rejects.toMatchObject(missing)
  await expect(
    createBranch('both', { compute_id: 'taken', autoscaling_limit_max_cu: 1 }),
  ).rejects.toMatchObject({ code: 'invalid_request' })
  const { branches } = await control.client.listProjectBranches({ path, query: {} })
  expect(branches.map(({ name }) => name)).not.toContain('lost')
})

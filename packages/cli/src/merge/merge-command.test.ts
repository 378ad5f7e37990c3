import { afterEach, beforeEach, expect, test } from 'vitest'

import { type Bench, startBench } from '../testing/cli.ts'
import { addBranch, addEndpoint } from '../testing/fake-world.ts'

const project = 'quiet-sea-00000001'

let bench: Bench

beforeEach(async () => {
  bench = await startBench()
})
afterEach(async () => bench.stop())

test('a merge says that it is about schemas only, and goes into the parent only', async () => {
  const [main] = bench.world.branches
  const feature = addBranch(bench.world, project, {
    name: 'feature/x',
    parentId: main?.id,
    expiresAt: undefined,
    isProtected: false,
  })
  addEndpoint(bench.world, feature, { type: 'read_write' })
  const unsaid = await bench.run('branches', 'merge', 'feature/x')
  expect(unsaid).toMatchObject({ code: 1, stdout: '' })
  expect(unsaid.stderr).toContain('--schema-only')
  const orphan = await bench.run('branches', 'merge', 'main', '--schema-only')
  expect(orphan.stderr).toContain('Branch main has no parent to merge into.')
  const up = ['merge', 'main', '--into', 'feature/x', '--schema-only']
  const upwards = await bench.run('branches', ...up)
  expect(upwards.stderr).toContain('Branch feature/x is not the parent of main.')
  const half = ['merge', 'feature/x', '--schema-only', '--rename', 'users.name']
  const mistaken = await bench.run('branches', ...half)
  expect(mistaken.stderr).toContain('users.name is not a rename.')
  const made = bench.api.requests.filter(({ operation }) => operation === 'createProjectBranch')
  expect(made).toEqual([])
})

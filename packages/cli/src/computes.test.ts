import { afterEach, beforeEach, expect, test } from 'vitest'

import { type Bench, startBench } from './testing/cli.ts'

let bench: Bench

beforeEach(async () => {
  bench = await startBench()
})
afterEach(async () => bench.stop())

test('a compute is made, listed, changed and deleted', async () => {
  const none = await bench.run('computes', 'list')
  expect(none.stdout).toContain('coppice computes create')
  await bench.run('computes', 'create', 'dev', '--cu', '0.5-1', '--for-new-branches')
  expect(bench.world.computes[0]).toMatchObject({
    name: 'dev',
    autoscaling_limit_min_cu: 0.5,
    autoscaling_limit_max_cu: 1,
    for_new_branches: true,
  })
  const { stdout } = await bench.run('computes', 'list')
  expect(stdout).toMatch(/dev +0\.5-1 CU +.*share it/)
  await bench.run('computes', 'set', 'dev', '--autoscale-limit', '4', '--no-for-new-branches')
  expect(bench.world.computes[0]).toMatchObject({
    autoscaling_limit_min_cu: 0.25,
    autoscaling_limit_max_cu: 4,
    for_new_branches: false,
  })
  const nothing = await bench.run('computes', 'set', 'dev')
  expect(nothing).toMatchObject({ code: 1, stderr: expect.stringContaining('Nothing to change') })
  expect((await bench.run('computes', 'delete', 'dev')).stdout).toContain('dev is deleted')
  expect(bench.world.computes).toEqual([])
})

test('a branch shares a compute from its start, or is moved into it and out again', async () => {
  await bench.run('branches', 'create', '--name', 'try', '--compute', 'dev')
  const request = bench.api.requests.find(({ method }) => method === 'POST')
  expect(request?.body).toMatchObject({ endpoints: [{ type: 'read_write', compute_id: 'dev' }] })
  const changes = async (...line: string[]): Promise<unknown> => {
    const { code } = await bench.run('computes', ...line)
    expect(code).toBe(0)
    return bench.api.requests.findLast(({ method }) => method === 'PATCH')?.body
  }
  expect(await changes('attach', 'dev', 'main')).toEqual({ endpoint: { compute_id: 'dev' } })
  expect(await changes('detach', 'main')).toEqual({ endpoint: { compute_id: null } })
  const shown = await bench.run('computes', 'attach', 'dev', '--branch', 'main')
  expect(shown.stdout).toMatch(/Shares +compute dev/)
})

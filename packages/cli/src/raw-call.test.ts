import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { routes } from '@coppice/api'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { type Bench, startBench } from './testing/cli.ts'

const branches = '/projects/quiet-sea-00000001/branches'

let bench: Bench

beforeEach(async () => {
  bench = await startBench()
})
afterEach(async () => bench.stop())

test('a route is called and its answer printed', async () => {
  for (const path of [branches, `/api/v2${branches}`]) {
    const { code, stdout } = await bench.run('api', path, '-Q', 'search=main', '-Q', 'limit=2')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ branches: [{ name: 'main' }], annotations: {} })
  }
  expect(bench.api.requests[0]).toMatchObject({
    method: 'GET',
    query: { search: 'main', limit: '2' },
  })
  expect((await bench.run('api', branches, '-o', 'yaml')).stdout).toMatch(/^branches:\n/)
})

test('fields make a body, each of its type', async () => {
  const fields = ['-F', 'branch.name=dev', '-F', 'branch.protected=true', '-f', 'x.text=12']
  await bench.run('api', branches, ...fields, '-F', 'x.number=-1.5', '-F', 'endpoints=[]')
  expect(bench.api.requests[0]).toMatchObject({
    operation: 'createProjectBranch',
    body: {
      branch: { name: 'dev', protected: true },
      x: { text: '12', number: -1.5 },
      endpoints: [],
    },
  })
})

test('a body comes whole as JSON or from a file', async () => {
  await writeFile(join(bench.cwd, 'body.json'), '{"branch":{"name":"b"}}')
  await bench.run('api', branches, '-X', 'post', '-d', '{"branch":{"name":"a"}}')
  await bench.run('api', branches, '-d', '@body.json')
  expect(bench.api.requests.map((request) => request.body)).toEqual([
    { branch: { name: 'a' } },
    { branch: { name: 'b' } },
  ])
})

test('an error answer is printed too, and fails', async () => {
  const missing = await bench.run('api', '/projects/none', '-i')
  expect(missing.code).toBe(1)
  expect(missing.stdout).toMatch(/^HTTP 404 .*\n[^]*content-type: application\/json\n[^]*\n\n\{/)
  expect(missing.stdout).toContain('"code": "project_not_found"')
  expect((await bench.run('api', '/nothing')).stdout).toContain('this route does not exist')
  bench.api.failures.push({ status: 500, code: 'internal', message: 'x' })
  expect((await bench.run('api', '/projects')).code).toBe(2)
})

test.each([
  [['api'], '--list'],
  [['api', 'projects'], '/projects'],
  [['api', '/projects', '-X', 'FETCH'], 'none of GET'],
  [['api', '/projects', '-F', 'name'], 'name=value'],
  [['api', '/projects', '-F', '__proto__.a=1'], '__proto__ cannot'],
  [['api', '/projects', '-d', '@missing'], 'ENOENT'],
  [['api', '/projects', '-H', 'x'], 'name:value'],
  [['api', '/nothing', '--describe'], 'no route GET /nothing'],
])('refuses %j without a call', async (argv, message) => {
  const { code, stdout, stderr } = await bench.run(...argv)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain(message)
  expect(bench.api.requests).toEqual([])
})

test('every route of the contract is listed and can be described', async () => {
  const { stdout } = await bench.run('api', '--list', '-o', 'json')
  const list: Array<{ method: string; path: string }> = JSON.parse(stdout)
  expect(list).toHaveLength(Object.keys(routes).length)
  expect(list).toContainEqual({ method: 'GET', path: '/projects', summary: 'List projects' })
  for (const { method, path } of list) {
    const described = await bench.run('api', path, '-X', method, '--describe', '-o', 'json')
    expect(JSON.parse(described.stdout)).toMatchObject({ endpoint: { method, path } })
  }
  expect(bench.api.requests).toEqual([])
})

test('a description names what the route takes', async () => {
  const { stdout } = await bench.run('api', branches, '-X', 'POST', '--describe', '-o', 'json')
  const described: { parameters: unknown[] } = JSON.parse(stdout)
  expect(described).toMatchObject({
    endpoint: { operationId: 'createProjectBranch', bodyRequired: false },
  })
  expect(described.parameters).toEqual(
    expect.arrayContaining([
      { in: 'path', name: 'project_id', required: true, type: 'string' },
      { in: 'body', name: 'branch.name', required: false, type: 'string' },
      {
        in: 'body',
        name: 'branch.init_source',
        required: false,
        type: 'string (parent-data, schema-only)',
      },
    ]),
  )
  const text = await bench.run('api', '/projects', '--describe')
  expect(text.stdout).toMatch(/^GET \/projects: List projects\n[^]*query +limit +optional +integer/)
})

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { type Bench, startBench } from './testing/cli.ts'
import { addProject } from './testing/fake-world.ts'

const second = 'quiet-sea-00000002'

let bench: Bench

beforeEach(async () => {
  bench = await startBench()
  addProject(bench.world, second, 'second')
})
afterEach(async () => bench.stop())

async function projectsAsked(...argv: string[]): Promise<string[]> {
  bench.api.requests.length = 0
  await bench.run(...argv)
  return bench.api.requests.map(({ path }) => path.split('/')[2] ?? 'all')
}

test('a .neon file is found upwards', async () => {
  await writeFile(join(bench.cwd, '.neon'), JSON.stringify({ projectId: second }))
  const root = bench.cwd
  bench.cwd = join(root, 'deep', 'down')
  await mkdir(bench.cwd, { recursive: true })
  expect(await projectsAsked('branches', 'list')).toEqual([second])
  expect(await projectsAsked('branches', 'list', '--project-id', 'other')).toEqual(['other'])
  bench.cwd = root
})

test('--context-file names another', async () => {
  await writeFile(join(bench.cwd, '.neon'), JSON.stringify({ projectId: 'first' }))
  await writeFile(join(bench.cwd, 'ci.json'), JSON.stringify({ projectId: second }))
  expect(await projectsAsked('branches', 'list', '--context-file', 'ci.json')).toEqual([second])
})

test('a pinned branch belongs to its project', async () => {
  const context = { projectId: 'quiet-sea-00000001', branch: 'pinned' }
  await writeFile(join(bench.cwd, '.neon'), JSON.stringify(context))
  await bench.run('databases', 'list', '--project-id', second)
  expect(bench.api.requests.map(({ path }) => path).join()).not.toContain('pinned')
})

test('set-context writes beside package.json and keeps the project of a new branch', async () => {
  const root = bench.cwd
  await writeFile(join(root, 'package.json'), '{}')
  bench.cwd = join(root, 'src')
  await mkdir(bench.cwd)
  await bench.run('set-context', '--project-id', second)
  await bench.run('set-context', '--branch', 'feature/x')
  const text = await readFile(join(root, '.neon'), 'utf8')
  expect(JSON.parse(text)).toEqual({ projectId: second, branch: 'feature/x' })
  bench.cwd = root
})

test('a broken file is named', async () => {
  await writeFile(join(bench.cwd, '.neon'), '{')
  const { code, stderr } = await bench.run('branches', 'list')
  expect(code).toBe(1)
  expect(stderr).toContain(`${join(bench.cwd, '.neon')} is not a JSON object`)
})

test('a new project can be pinned as it is made', async () => {
  await bench.run('projects', 'create', '--name', 'pinned', '--set-context')
  const text = await readFile(join(bench.cwd, '.neon'), 'utf8')
  expect(JSON.parse(text)).toEqual({ projectId: 'quiet-sea-00000003' })
})

import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { repositoryOf } from './github.ts'
import { type Bench, startBench } from './testing/cli.ts'
import { addBranch } from './testing/fake-world.ts'

const project = 'quiet-sea-00000001'

let bench: Bench

beforeEach(async () => {
  bench = await startBench()
})
afterEach(async () => bench.stop())

async function git(directory: string, ...args: string[]): Promise<void> {
  await promisify(execFile)('git', args, {
    cwd: directory,
    env: { ...bench.environment, HOME: bench.cwd, GIT_CONFIG_NOSYSTEM: '1' },
  })
}

const pathOf = (...names: string[]) => join(bench.cwd, ...names)

/** A repository with `main` here and `main` and `far` on its remote, linked with the project. */
async function initRepository(map: Record<string, string> = {}): Promise<void> {
  await mkdir(pathOf('far.git'))
  await git(pathOf('far.git'), 'init', '-q', '--bare', '-b', 'main')
  await git(bench.cwd, 'init', '-q', '-b', 'main')
  await git(bench.cwd, 'config', 'user.name', 'Test')
  await git(bench.cwd, 'config', 'user.email', 'test@example.com')
  await git(bench.cwd, 'commit', '-q', '--allow-empty', '-m', 'Begin')
  await git(bench.cwd, 'remote', 'add', 'origin', pathOf('far.git'))
  await git(bench.cwd, 'push', '-q', 'origin', 'main', 'main:far')
  await writeFile(pathOf('.neon'), JSON.stringify({ projectId: project, git: { map } }))
}

const add = (name: string, more: { parentId?: string; isProtected?: boolean } = {}) =>
  addBranch(bench.world, project, { name, ...more })

/** As `git sync` has made it. */
function addNoted(name: string, more: Parameters<typeof add>[1] = {}) {
  const branch = add(name, more)
  bench.world.annotations[branch.id] = { 'git-branch': name }
  return branch
}

const names = () => bench.world.branches.map(({ name }) => name)

test('previews whose git branch is gone are listed, and deleted only when told to', async () => {
  await initRepository({ gone: 'gone', main: 'main', both: 'shared', far: 'shared', old: 'main' })
  add('gone')
  add('shared')
  addNoted('far')
  addNoted('lost')
  const parent = addNoted('parent')
  add('child', { parentId: parent.id })
  addNoted('guarded', { isProtected: true })
  add('by hand')
  add('preview/pr-7')
  add('preview/pr-8-lost')
  const all = names()
  const listed = await bench.run('branches', 'prune', '-o', 'json')
  expect(listed).toMatchObject({ code: 0, stderr: expect.stringContaining('prune --yes') })
  expect(listed.stderr).toContain('preview/pr-7')
  const plan = JSON.parse(listed.stdout) as { name: string; action: string; kept_because: string }[]
  expect(plan.map(({ name, action, kept_because: why }) => [name, action, why])).toEqual([
    ['gone', 'delete', null],
    ['lost', 'delete', null],
    ['parent', 'keep', 'it is the parent of child'],
    ['guarded', 'keep', 'it is protected'],
    ['preview/pr-8-lost', 'delete', null],
  ])
  expect(names()).toEqual(all)
  const table = await bench.run('branches', 'prune', '--yes')
  expect(table.stdout).toMatch(/lost +br-\S+ +git has no branch lost +deleted/)
  const gone = ['gone', 'lost', 'preview/pr-8-lost']
  expect(names()).toEqual(all.filter((name) => !gone.includes(name)))
  const { git: kept } = JSON.parse(await readFile(pathOf('.neon'), 'utf8')) as { git: unknown }
  expect(kept).toEqual({ map: { main: 'main', both: 'shared', far: 'shared', old: 'main' } })
})

test('nothing is gone where the remote does not answer', async () => {
  await initRepository()
  addNoted('lost')
  await git(bench.cwd, 'remote', 'set-url', 'origin', pathOf('nowhere.git'))
  expect((await bench.run('branches', 'prune', '--yes')).code).toBe(1)
  expect(names()).toContain('lost')
})

test('pull requests are asked for at GitHub', async () => {
  await initRepository()
  const asked: string[] = []
  const server = await serve((url, authorization) => {
    asked.push(`${authorization} ${url}`)
    const { pathname, searchParams } = new URL(url, 'http://github')
    if (pathname === '/api/repos/acme/shop/pulls') {
      return searchParams.get('head') === 'acme:far'
        ? [{ state: 'closed' }, { state: 'closed' }]
        : []
    }
    const state = { 7: 'closed', 8: 'open' }[pathname.split('/').at(-1) ?? '']
    return state && { state }
  })
  add('preview/pr-7')
  add('preview/pr-8')
  add('preview/pr-9')
  addNoted('far')
  bench.environment['GITHUB_API_URL'] =
    `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`
  bench.environment['GITHUB_REPOSITORY'] = 'acme/shop'
  bench.environment['GITHUB_TOKEN'] = 'secret-token'
  const prune = ['branches', 'prune', '--pull-requests', '--yes', '-o', 'json']
  const { code, stdout, stderr } = await bench.run(...prune)
  server.close()
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(JSON.parse(stdout)).toMatchObject([
    { name: 'preview/pr-7', pull_request: 7, action: 'deleted' },
    { name: 'far', git_branches: ['far'], reason: 'the pull requests of far are closed' },
  ])
  expect(names()).toEqual(['main', 'preview/pr-8', 'preview/pr-9'])
  expect(asked[0]).toBe('Bearer secret-token /api/repos/acme/shop/pulls/7')
  const refused = await bench.run('branches', 'prune', '--pull-requests')
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('Could not reach') })
})

test.each([
  ['https://github.com/acme/shop.git', 'acme/shop'],
  ['git@github.com:acme/shop', 'acme/shop'],
  ['ssh://git@github.com/acme/my.shop.git/', 'acme/my.shop'],
  ['nowhere', undefined],
])('the repository of %s is %s', (url, repository) => {
  expect(repositoryOf(url)).toBe(repository)
})

/** A server that answers JSON, or 404 for what is undefined. */
async function serve(answer: (url: string, authorization: string) => unknown): Promise<Server> {
  const server = createServer((request, response) => {
    const found = answer(request.url ?? '', request.headers.authorization ?? '')
    response.writeHead(found === undefined ? 404 : 200, { connection: 'close' })
    response.end(JSON.stringify(found ?? {}))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

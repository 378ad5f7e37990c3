import { execFile, execFileSync } from 'node:child_process'
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { setVariables } from './env-file.ts'
import { type Bench, startBench } from './testing/cli.ts'
import { addBranch, addEndpoint, addProject } from './testing/fake-world.ts'

const project = 'quiet-sea-00000001'

let bench: Bench

beforeEach(async () => {
  bench = await startBench()
})
afterEach(async () => bench.stop())

const pathOf = (...names: string[]) => join(bench.cwd, ...names)
const textOf = async (name: string) => readFile(pathOf(name), 'utf8')
const pinned = async (): Promise<unknown> => JSON.parse(await textOf('.neon'))

function addDev(): void {
  const parentId = bench.world.branches[0]?.id
  addEndpoint(bench.world, addBranch(bench.world, project, { name: 'dev', parentId }), {
    type: 'read_write',
  })
}

/** Not synchronously: a hook asks the fake API, which is in this process. */
async function git(...args: string[]): Promise<void> {
  await promisify(execFile)('git', args, {
    cwd: bench.cwd,
    env: { ...bench.environment, HOME: bench.cwd, GIT_CONFIG_NOSYSTEM: '1' },
  })
}

async function initRepository(): Promise<void> {
  await git('init', '-q', '-b', 'main')
  await git('config', 'user.name', 'Test')
  await git('config', 'user.email', 'test@example.com')
  await git('commit', '-q', '--allow-empty', '-m', 'Begin')
}

test('link pins the project and its branch, and writes what programs read', async () => {
  const { code, stdout, stderr } = await bench.run('link', '-o', 'json')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toEqual({ projectId: project, branch: 'main' })
  expect(await pinned()).toEqual({ projectId: project, branch: 'main' })
  expect(stderr).toBe(
    `Wrote DATABASE_URL, DATABASE_URL_UNPOOLED, NEON_BRANCH to ${pathOf('.env.local')}.\n`,
  )
  const lines = (await textOf('.env.local')).split('\n')
  expect(lines[0]).toMatch(/^DATABASE_URL="postgresql:\/\/neondb_owner:.*-pooler\..*"$/)
  expect(lines[1]).toMatch(/^DATABASE_URL_UNPOOLED="postgresql:\/\/(?!.*-pooler)/)
  expect(lines.slice(2)).toEqual(['NEON_BRANCH=main', ''])
  expect((await stat(pathOf('.env.local'))).mode & 0o777).toBe(0o600)
  const shown = await bench.run('link', '--show')
  expect(shown.stdout).toMatch(/Project +quiet-sea-00000001\nBranch +main\nPinned in /)
})

test('what was written is what a shell reads', async () => {
  await bench.run('env', 'pull', '--file', 'vars')
  const script = 'set -a; . ./vars; printf %s "$DATABASE_URL_UNPOOLED"'
  const read = execFileSync('sh', ['-c', script], { cwd: bench.cwd, encoding: 'utf8' })
  expect(`${read}\n`).toBe((await bench.run('connection-string')).stdout)
})

test('link takes its wishes as flags or as one object, and makes a project', async () => {
  addDev()
  await bench.run('link', '--params', JSON.stringify({ projectId: project, branch: 'dev' }))
  expect(await pinned()).toEqual({ projectId: project, branch: 'dev' })
  await bench.run('link', '--branch', 'main', '--no-env-pull')
  expect(await pinned()).toEqual({ projectId: project, branch: 'main' })
  await bench.run('link', '--project-name', 'shop')
  expect(await pinned()).toEqual({ projectId: 'quiet-sea-00000002', branch: 'main' })
  bench.api.requests.length = 0
  await bench.run(
    'link',
    '--no-checks',
    '--project-id',
    'elsewhere',
    '--org-id',
    'org',
    '--branch',
    'x',
  )
  expect(await pinned()).toEqual({ projectId: 'elsewhere', orgId: 'org', branch: 'x' })
  expect((await bench.run('link', '--clear')).code).toBe(0)
  expect(await pinned()).toEqual({})
  expect(bench.api.requests).toEqual([])
})

test('of several projects none is guessed, of several branches the default', async () => {
  addDev()
  await bench.run('link', '-y')
  expect(await pinned()).toEqual({ projectId: project, branch: 'main' })
  addProject(bench.world, 'quiet-sea-00000009', 'other')
  const { code, stderr } = await bench.run('link', '-y')
  expect({ code, stderr }).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('quiet-sea-00000009  other'),
  })
})

test.each([
  [['link', '--show'], 'Nothing is linked here'],
  [['link', '--params', '[]'], 'not a JSON object'],
  [['link', '--params', '{"projectId":1}'], 'not a JSON object'],
  [['link', '--no-checks'], 'needs --project-id'],
  [['link', '--project-name', 'a', '--project-id', 'b'], 'either linked'],
  [['checkout', '--create'], 'Which branch?'],
  [['checkout', 'dev', '--env', 'x'], 'neon.ts'],
  [['env', 'pull', '-s', 'auth'], "Neon's cloud"],
  [['env', 'pull', '-e', 'PATH'], 'no variable of a branch'],
])('refuses %j without a call', async (argv, message) => {
  const { code, stdout, stderr } = await bench.run(...argv)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain(message)
  expect(bench.api.requests).toEqual([])
})

test('checkout pins a branch, and makes it where that is said', async () => {
  const missing = await bench.run('checkout', 'dev')
  expect(missing).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('checkout dev --create'),
  })
  const list = await bench.run('checkout')
  expect(list).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('br-quiet-sea-00000001  main'),
  })
  const { code, stderr } = await bench.run('checkout', 'dev', '--create')
  expect({ code, stderr }).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('Created branch dev'),
  })
  expect(await pinned()).toEqual({ projectId: project, branch: 'dev' })
  expect(await textOf('.env.local')).toContain('NEON_BRANCH=dev\n')
  expect((await bench.run('branches', 'list')).stdout).toMatch(/ dev .* pinned here\n/)
  await bench.run('checkout', 'main', '--no-env-pull')
  expect(await textOf('.env.local')).toContain('NEON_BRANCH=dev\n')
})

test('a branch without a compute is pinned all the same', async () => {
  addBranch(bench.world, project, { name: 'bare', parentId: bench.world.branches[0]?.id })
  const { code, stderr } = await bench.run('checkout', 'bare')
  expect({ code, stderr }).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('No variables were written'),
  })
  expect(await pinned()).toMatchObject({ branch: 'bare' })
})

test('env pull leaves other lines alone and writes to .env where there is one', async () => {
  await writeFile(pathOf('.env'), '# mine\nexport DATABASE_URL=old\nA=1\nDATABASE_URL=older\n')
  await bench.run('env', 'pull', '-e', 'DATABASE_URL,NEON_BRANCH')
  expect(await textOf('.env')).toMatch(
    /^# mine\nexport DATABASE_URL="postgresql:.*"\nA=1\nNEON_BRANCH=main\n$/,
  )
  const { stdout } = await bench.run('env', 'pull', '-s', 'postgres', '--file', 'x', '-o', 'json')
  expect(JSON.parse(stdout)).toEqual({
    file: pathOf('x'),
    branch: 'main',
    variables: ['DATABASE_URL', 'DATABASE_URL_UNPOOLED', 'NEON_BRANCH'],
  })
})

test('values of every sort survive an env file', () => {
  expect(setVariables('', { A: `a b"c\\d$e` })).toBe('A="a b\\"c\\\\d\\$e"\n')
  expect(setVariables('A=1', {})).toBe('A=1\n')
})

test('a file with a password that git would commit is told', async () => {
  await initRepository()
  expect((await bench.run('env', 'pull')).stderr).toContain('add it to .gitignore')
  await writeFile(pathOf('.gitignore'), '.env*\n')
  expect((await bench.run('env', 'pull')).stderr).toBe('')
})

test('status tells the pinned branch, for programs as well', async () => {
  expect((await bench.run('status')).stdout).not.toContain('Linked')
  const none = await bench.run('status', '--current-branch')
  expect(none).toMatchObject({ code: 1, stdout: '' })
  await bench.run('link', '--no-env-pull')
  expect((await bench.run('status')).stdout).toMatch(/Linked +quiet-sea-00000001, branch main/)
  await bench.api.stop()
  const name = await bench.run('status', '--current-branch')
  expect(name).toEqual({ code: 0, stdout: 'main\n', stderr: '' })
})

test('sync pins the branch of the same name, and remembers another', async () => {
  await initRepository()
  addDev()
  await bench.run('link', '--no-env-pull')
  await git('checkout', '-q', '-b', 'dev')
  const { stdout } = await bench.run('git', 'sync', '--no-env-pull', '-o', 'json')
  expect(JSON.parse(stdout)).toEqual({ git_branch: 'dev', projectId: project, branch: 'dev' })
  await git('checkout', '-q', '-b', 'feature/x')
  const missing = await bench.run('git', 'sync')
  expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('feature/x --create') })
  await writeFile(
    pathOf('.neon'),
    JSON.stringify({ projectId: project, git: { map: { 'feature/x': 'dev' } } }),
  )
  expect((await bench.run('git', 'sync', '--quiet', '--no-env-pull')).code).toBe(0)
  expect(await pinned()).toEqual({
    projectId: project,
    branch: 'dev',
    git: { map: { 'feature/x': 'dev' } },
  })
  await git('checkout', '-q', '-b', 'constructor')
  expect((await bench.run('git', 'sync')).stderr).toContain('constructor --create')
  await git('checkout', '-q', '--detach')
  expect((await bench.run('git', 'sync')).stderr).toContain('HEAD is at no branch')
})

test('git status has the keys of the CLI it stands in for', async () => {
  await initRepository()
  await bench.run('link', '--no-env-pull')
  await bench.run('git', 'sync', '--no-env-pull')
  const { stdout } = await bench.run('git', 'status', '-o', 'json')
  expect(JSON.parse(stdout)).toEqual({
    gitBranch: 'main',
    hookInstalled: false,
    followOnCheckout: false,
    mappedNeonBranch: 'main',
    mappings: { main: 'main' },
  })
  expect((await bench.run('git', 'status')).stdout).toMatch(/Hook +not installed/)
})

test('a checkout in git is followed once the hook is installed', { timeout: 60_000 }, async () => {
  await initRepository()
  await writeFile(pathOf('.gitignore'), '.neon\n.env*\nbin\n')
  await bench.run('link', '--no-env-pull')
  await installCoppice()
  const installed = await bench.run('git', 'install', '--create')
  expect(installed).toMatchObject({ code: 0, stderr: expect.stringContaining('post-checkout') })
  expect(installed.stderr).not.toContain('not there now')

  await git('checkout', '-q', '-b', 'feature/x')
  expect(await pinned()).toMatchObject({ branch: 'feature/x', git: { follow: true } })
  expect(await textOf('.env.local')).toContain('NEON_BRANCH=feature/x\n')
  await git('checkout', '-q', 'main')
  expect(await pinned()).toMatchObject({ branch: 'main' })

  expect((await bench.run('git', 'uninstall')).code).toBe(0)
  await git('checkout', '-q', 'feature/x')
  expect(await pinned()).toMatchObject({ branch: 'main', git: { follow: false } })
})

/** A `coppice` in PATH that runs the sources. */
async function installCoppice(): Promise<void> {
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  const main = join(import.meta.dirname, 'main.ts')
  await mkdir(pathOf('bin'))
  const file = pathOf('bin', 'coppice')
  await writeFile(
    file,
    `#!/bin/sh\nexec '${process.execPath}' --import '${loader}' -C source '${main}' "$@"\n`,
  )
  await chmod(file, 0o755)
  bench.environment['PATH'] = `${pathOf('bin')}:${bench.environment['PATH']}`
}

test('lines are put into a hook that is there, and taken out again', async () => {
  await initRepository()
  await bench.run('link', '--no-env-pull')
  const hook = pathOf('.git', 'hooks', 'post-checkout')
  await mkdir(pathOf('.git', 'hooks'), { recursive: true })
  const mine = '#!/usr/bin/env bash\necho mine\nexit 0\n'
  await writeFile(hook, mine)
  for (let times = 0; times < 2; times++) {
    expect((await bench.run('git', 'install', '--ttl', '3d', '--parent', 'main')).code).toBe(0)
    const text = await readFile(hook, 'utf8')
    expect(text).toMatch(/^#!\/usr\/bin\/env bash\n# coppice git sync/)
    expect(
      text.match(/coppice git sync --hook --quiet --create --ttl 3d --parent main/g),
    ).toHaveLength(1)
    expect(text.endsWith('echo mine\nexit 0\n')).toBe(true)
  }
  expect((await bench.run('git', 'uninstall')).code).toBe(0)
  expect(await readFile(hook, 'utf8')).toBe(mine)
})

test('a hook that no shell runs stays as it is', async () => {
  await initRepository()
  await bench.run('link', '--no-env-pull')
  const hook = pathOf('.git', 'hooks', 'post-checkout')
  await mkdir(pathOf('.git', 'hooks'), { recursive: true })
  await writeFile(hook, '#!/usr/bin/env node\n1\n')
  const { code, stderr } = await bench.run('git', 'install')
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining(hook) })
  expect((await bench.run('git', 'uninstall')).stderr).toContain('stays')
  expect(await readFile(hook, 'utf8')).toBe('#!/usr/bin/env node\n1\n')
})

test("the hook is where git looks, and husky's is beside the directory that it makes", async () => {
  await initRepository()
  await bench.run('link', '--no-env-pull')
  await git('config', 'core.hooksPath', 'hooks')
  await bench.run('git', 'install')
  expect(await textOf('hooks/post-checkout')).toContain('coppice git sync --hook')
  await bench.run('git', 'uninstall')
  await expect(stat(pathOf('hooks/post-checkout'))).rejects.toThrow('ENOENT')
  await git('config', 'core.hooksPath', '.husky/_')
  await bench.run('git', 'install')
  expect(await textOf('.husky/post-checkout')).toContain('coppice git sync --hook')
})

test('a branch that is made for one of git goes by itself; for the default branch none is made', async () => {
  await initRepository()
  addDev()
  await bench.run('link', '--no-env-pull')
  await git('checkout', '-q', '-b', 'feature/y')
  const { code } = await bench.run('git', 'sync', '--create', '--parent', 'dev', '--ttl', '2d')
  expect(code).toBe(0)
  const made = bench.api.requests.findLast((one) => one.operation === 'createProjectBranch')
  expect(made?.body).toMatchObject({
    branch: { name: 'feature/y', parent_id: bench.world.branches[1]?.id },
    annotation_value: { 'git-branch': 'feature/y' },
  })
  const expiry = bench.world.branches.find(({ name }) => name === 'feature/y')?.expires_at ?? ''
  const hours = (Date.parse(expiry) - Date.now()) / 3_600_000
  expect(hours).toBeGreaterThan(47)
  expect(hours).toBeLessThanOrEqual(48)
  await git('checkout', '-q', '-b', 'master')
  const before = bench.world.branches.length
  expect((await bench.run('git', 'sync', '--create')).code).toBe(0)
  expect(bench.world.branches).toHaveLength(before)
  expect(await pinned()).toMatchObject({ branch: 'main', git: { map: { master: 'main' } } })
})

test('what goes wrong in the hook is a message, and the checkout goes on', async () => {
  await initRepository()
  await bench.run('link', '--no-env-pull')
  await bench.run('git', 'install')
  await git('checkout', '-q', '-b', 'feature/z')
  bench.environment['COPPICE_API_HOST'] = 'http://127.0.0.1:1'
  const { code, stderr } = await bench.run('git', 'sync', '--hook', '--quiet', '--create')
  expect({ code, stderr }).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/^coppice: .*reach/),
  })
})

test('cleanup forgets git branches that are gone, and deletes only what may go', async () => {
  await initRepository()
  addDev()
  addBranch(bench.world, project, { name: 'kept', isProtected: true })
  const map = { main: 'main', gone: 'dev', old: 'kept', older: 'main' }
  const write = async () =>
    writeFile(pathOf('.neon'), JSON.stringify({ projectId: project, git: { map } }))
  await write()
  const forgotten = await bench.run('git', 'cleanup')
  expect(forgotten.stderr).toContain('coppice branches delete dev')
  expect(await pinned()).toEqual({ projectId: project, git: { map: { main: 'main' } } })
  await write()
  const refused = await bench.run('git', 'cleanup', '--prune-neon-branches')
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('--yes') })
  expect(await pinned()).toMatchObject({ git: { map } })
  const { code, stderr } = await bench.run('git', 'cleanup', '--prune-neon-branches', '--yes')
  expect(code).toBe(0)
  expect(stderr).toContain('Branch kept is the default or protected, and stays.')
  expect(bench.world.branches.map((branch) => branch.name)).toEqual(['main', 'kept'])
})

test('git commands say what they need', async () => {
  for (const command of ['install', 'uninstall', 'sync', 'status', 'cleanup']) {
    const { code, stderr } = await bench.run('git', command)
    expect({ command, code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('not in a git repository'),
    })
  }
  await initRepository()
  for (const command of ['install', 'sync', 'cleanup']) {
    expect((await bench.run('git', command)).stderr).toContain('coppice link --context-file')
  }
  await bench.run('link', '--no-env-pull')
  const other = await bench.run('git', 'sync', '--project-id', 'another')
  expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining('not another') })
  bench.environment['PATH'] = pathOf('nothing')
  expect((await bench.run('git', 'status')).stderr).toContain('git is not installed')
})

import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { type FakeGitHub, startFakeGitHub } from './github-actions/fake-github.ts'
import {
  makeRunnerDirectories,
  ownActionDirectory,
  readAction,
  readWorkflow,
  Runner,
  type Step,
} from './github-actions/runner.ts'
import { psql, repository, run, startTestPlatform, type TestPlatform } from './platform.ts'

/** Our GitHub actions and the example workflows: every line of shell in them runs, against a platform. */
let platform: TestPlatform
let github: FakeGitHub
let workspace: string
const token = 'ghs_of_the_job'
const examples = 'examples/github-actions'

beforeAll(async () => {
  platform = await startTestPlatform()
  github = await startFakeGitHub('acme/shop', token)
  await psql(platform.connectionUri, 'CREATE TABLE users (id int); INSERT INTO users VALUES (1)')
})

afterAll(async () => {
  github?.stop()
  await platform?.remove()
})

interface Setup {
  event?: Record<string, unknown>
  secrets?: Record<string, string>
  /** Of package.json. */
  scripts?: Record<string, string>
}

/** A runner with the application checked out: two migrations and the scripts that the workflow calls. */
async function makeRunner({ event = {}, secrets = {}, scripts = {} }: Setup = {}): Promise<Runner> {
  const directories = await makeRunnerDirectories(platform.home)
  ;({ workspace } = directories)
  await run('mkdir', [join(workspace, 'migrations')])
  const migrations = {
    '1_role.sql': `ALTER TABLE users ADD COLUMN role text NOT NULL DEFAULT 'member';`,
    '2_role_index.sql': 'CREATE INDEX users_role ON users (role);',
  }
  for (const [name, sql] of Object.entries(migrations)) {
    await writeFile(join(workspace, 'migrations', name), `${sql}\n`)
  }
  await writeFile(join(workspace, 'package.json'), JSON.stringify({ name: 'shop', scripts }))
  return new Runner({
    ...directories,
    event,
    secrets: { NEON_API_HOST: platform.apiUrl, NEON_API_KEY: platform.apiKey, ...secrets },
    env: {
      PATH: process.env['PATH'],
      HOME: directories.temp,
      CI: 'true',
      GITHUB_SHA: '1a2b3c4d5e6f7a8b9c0d1a2b3c4d5e6f7a8b9c0d',
      GITHUB_REPOSITORY: 'acme/shop',
      GITHUB_API_URL: github.url,
      GITHUB_TOKEN: token,
      // Where `coppice up` finds the test's platform running.
      COPPICE_HOME: platform.home,
    },
  })
}

async function branchNames(): Promise<string[]> {
  const path = { project_id: platform.projectId }
  const { branches } = await platform.client.listProjectBranches({ path, query: {} })
  return branches.map(({ name }) => name).toSorted()
}

/** One step that uses an action of ours, as a workflow with nothing else. */
async function runActionAlone(
  name: string,
  inputs: Record<string, string>,
  runner?: Runner,
): Promise<{ failed: boolean; log: string; outputs: Record<string, string> }> {
  const step: Step = { id: 'it', uses: `your-org/coppice/actions/${name}@main`, with: inputs }
  const workflow = {
    name,
    on: 'push',
    jobs: { only: { 'runs-on': 'ubuntu-latest', steps: [step] } },
  }
  const result = await (runner ?? (await makeRunner())).runJob(workflow, 'only')
  return { ...result, outputs: result.outputs['it'] ?? {} }
}

const credentials = (): Record<string, string> => ({
  api_host: platform.apiUrl,
  api_key: platform.apiKey,
})

test('deploy.yml tries the migrations on a branch, then migrates production', async () => {
  const workflow = await readWorkflow(`${examples}/deploy.yml`)
  const hasRole = `psql -Atc "SELECT role FROM users" "$DATABASE_URL" | grep -qx member`
  const scripts = { test: hasRole, deploy: 'touch deployed' }
  const secrets = { NEON_PRODUCTION_URL: platform.connectionUri }

  const tested = await (await makeRunner({ scripts, secrets })).runJob(workflow, 'test')
  expect(tested.log).toContain('CREATE INDEX')
  expect(tested.failed).toBe(false)
  expect(await branchNames()).toEqual(['main'])
  await expect(psql(platform.connectionUri, 'SELECT role FROM users')).rejects.toThrow('not exist')

  const deployed = await (await makeRunner({ scripts, secrets })).runJob(workflow, 'deploy')
  expect(deployed.failed).toBe(false)
  expect(await psql(platform.connectionUri, 'SELECT role FROM users')).toBe('member')
  expect(await readdir(workspace)).toContain('deployed')
  // What GitHub shows has no secret in it.
  const { password } = new URL(platform.connectionUri)
  expect(tested.log + deployed.log).not.toContain(password)
  expect(tested.log + deployed.log).not.toContain(platform.apiKey)
  await psql(platform.connectionUri, 'ALTER TABLE users DROP COLUMN role')
})

test('deploy.yml fails with its tests or its migrations, and leaves no branch behind', async () => {
  const workflow = await readWorkflow(`${examples}/deploy.yml`)
  const failing = await makeRunner({ scripts: { test: 'exit 1' } })
  expect(await failing.runJob(workflow, 'test')).toMatchObject({ failed: true })
  expect(await branchNames()).toEqual(['main'])

  const broken = await makeRunner({ scripts: { test: 'touch tested' } })
  await writeFile(join(workspace, 'migrations', '3_broken.sql'), 'ALTER TABLE nothing ADD x int;\n')
  expect(await broken.runJob(workflow, 'test')).toMatchObject({ failed: true })
  expect(await readdir(workspace)).not.toContain('tested')
  expect(await branchNames()).toEqual(['main'])
})

test('setup-coppice starts a platform, or finds the one that runs', async () => {
  const { failed, outputs } = await runActionAlone('setup-coppice', {})
  expect(failed).toBe(false)
  expect(outputs).toMatchObject({ api_host: platform.apiUrl, project_id: platform.projectId })
  expect(await psql(outputs['db_url'] ?? '', 'SELECT count(*) FROM users')).toBe('1')
})

test('create-branch makes a branch once, and delete-branch deletes it', async () => {
  const inputs = {
    ...credentials(),
    branch_name: 'preview/pr 7',
    parent_branch: 'main',
    expires_in_days: '3',
    prisma: 'true',
  }
  const { failed, log, outputs } = await runActionAlone('create-branch', inputs)
  expect({ failed, log }).toMatchObject({ failed: false })
  expect(outputs).toMatchObject({
    created: 'true',
    branch_id: expect.stringMatching(/^br-/),
    host: expect.stringMatching(/^ep-/),
    host_pooled: expect.stringMatching(/^ep-.*-pooler\./),
    db_url: expect.stringContaining('connect_timeout=30'),
    db_url_pooled: expect.stringContaining('pgbouncer=true'),
  })
  // Without what Prisma alone understands.
  const url = (outputs['db_url_pooled'] ?? '').replace(/&pool_timeout.*/, '')
  expect(await psql(url, 'SHOW pool_mode')).toBe('transaction')
  expect(log).not.toContain(outputs['password'])

  const path = { project_id: platform.projectId, branch_id: outputs['branch_id'] ?? '' }
  const { branch } = await platform.client.getProjectBranch({ path })
  const days = (Date.parse(branch.expires_at ?? '') - Date.now()) / 86_400_000
  expect(days).toBeGreaterThan(2.9)
  expect(days).toBeLessThan(3.1)

  const again = await runActionAlone('create-branch', inputs)
  expect(again.outputs).toMatchObject({ created: 'false', branch_id: outputs['branch_id'] })
  const deletion = { ...credentials(), branch: 'preview/pr 7' }
  expect(await runActionAlone('delete-branch', deletion)).toMatchObject({ failed: false })
  expect(await branchNames()).toEqual(['main'])
  const gone = await runActionAlone('delete-branch', deletion)
  expect(gone).toMatchObject({ failed: false, log: expect.stringContaining('nothing to delete') })
})

test('actions say what is wrong', async () => {
  const wrong = { ...credentials(), api_key: 'wrong', branch_name: 'x' }
  const refused = await runActionAlone('create-branch', wrong)
  expect(refused.failed).toBe(true)
  expect(refused.log).toMatch(/::error::GET .*HTTP 401/)
  const orphan = { ...credentials(), branch_name: 'x', parent_branch: 'nowhere' }
  const lost = await runActionAlone('create-branch', orphan)
  expect(lost).toMatchObject({ failed: true, log: expect.stringContaining('no branch nowhere') })
  const nobody = await runActionAlone('reset-branch', { branch: 'main' })
  expect(nobody).toMatchObject({ failed: true, log: expect.stringContaining('no api_host') })
  const root = await runActionAlone('reset-branch', { ...credentials(), branch: 'main' })
  expect(root).toMatchObject({ failed: true, log: expect.stringContaining('has no parent') })
})

test('reset-branch brings a branch back to its parent', async () => {
  const made = await runActionAlone('create-branch', { ...credentials(), branch_name: 'astray' })
  const url = made.outputs['db_url'] ?? ''
  await psql(url, 'DROP TABLE users')
  const reset = await runActionAlone('reset-branch', { ...credentials(), branch: 'astray' })
  expect(reset).toMatchObject({ failed: false, outputs: { db_url: url } })
  expect(await psql(url, 'SELECT count(*) FROM users')).toBe('1')
  await runActionAlone('delete-branch', { ...credentials(), branch: 'astray' })
})

test('preview.yml keeps a branch and a comment for a pull request', async () => {
  const workflow = await readWorkflow(`${examples}/preview.yml`)
  const pullRequest = (action: string): Record<string, unknown> => ({
    action,
    number: 7,
    pull_request: { number: 7 },
  })
  const opened = await (
    await makeRunner({ event: pullRequest('opened') })
  ).runJob(workflow, 'preview')
  expect({ failed: opened.failed, log: opened.log }).toMatchObject({ failed: false })
  expect(await branchNames()).toEqual(['main', 'preview/pr-7'])
  expect(github.comments).toHaveLength(1)
  expect(github.comments[0]?.body).toMatch(/^\+.*role/m)

  // The next push changes more; the same comment says so.
  const next = await makeRunner({ event: pullRequest('synchronize') })
  await writeFile(join(workspace, 'migrations', '3_more.sql'), 'CREATE TABLE orders (id int);\n')
  expect(await next.runJob(workflow, 'preview')).toMatchObject({ failed: false })
  expect(github.comments).toHaveLength(1)
  expect(github.comments[0]?.body).toMatch(/^\+CREATE TABLE public\.orders/m)

  const without = await runActionAlone(
    'schema-diff-comment',
    { ...credentials(), compare_branch: 'main', base_branch: 'main' },
    await makeRunner({ event: pullRequest('synchronize') }),
  )
  expect(without).toMatchObject({ failed: false, outputs: { diff: '', comment_url: '' } })
  expect(github.comments).toEqual([])

  const closed = await makeRunner({ event: pullRequest('closed') })
  expect(await closed.runJob(workflow, 'cleanup')).toMatchObject({ failed: false })
  expect(await branchNames()).toEqual(['main'])
})

const actions = (await readdir(join(repository, 'actions'))).filter((name) => name !== 'lib')

test.each(actions)('the action %s is whole, and its README lists what it takes', async (name) => {
  const action = await readAction(`actions/${name}`)
  const text = await readFile(join(repository, 'actions', name, 'action.yml'), 'utf8')
  const readme = await readFile(join(repository, 'actions', name, 'README.md'), 'utf8')
  expect(action.name).not.toBe('')
  expect(action.description).not.toBe('')
  expect(action.runs.using).toBe('composite')
  // GitHub wants a shell of every line of a composite action.
  expect(action.runs.steps.map(({ shell }) => shell)).toEqual(action.runs.steps.map(() => 'bash'))
  const used = [...text.matchAll(/\$\{\{ inputs\.([\w-]+) \}\}/g)].map(([, input]) => input)
  expect(new Set(used)).toEqual(new Set(Object.keys(action.inputs ?? {})))
  const documented = [...readme.matchAll(/^\| `([\w-]+)`/gm)].map(([, parameter]) => parameter)
  expect(documented).toEqual([
    ...Object.keys(action.inputs ?? {}),
    ...Object.keys(action.outputs ?? {}),
  ])
})

test.each(['deploy.yml', 'preview.yml'])('the workflow %s is whole', async (file) => {
  const workflow = await readWorkflow(`${examples}/${file}`)
  expect(workflow.on).toBeDefined()
  const jobs = Object.values(workflow.jobs)
  const needed = jobs.flatMap(({ needs }) => needs ?? [])
  expect(Object.keys(workflow.jobs)).toEqual(expect.arrayContaining(needed))
  for (const job of jobs) {
    expect(job['runs-on']).toBeDefined()
    for (const step of job.steps) {
      expect([step.run, step.uses].filter((one) => one !== undefined)).toHaveLength(1)
      const directory = step.uses === undefined ? undefined : ownActionDirectory(step.uses)
      if (directory === undefined) continue
      const { inputs = {} } = await readAction(directory)
      expect(Object.keys(inputs)).toEqual(expect.arrayContaining(Object.keys(step.with ?? {})))
    }
  }
})

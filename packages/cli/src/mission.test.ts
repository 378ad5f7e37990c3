import { execFile } from 'node:child_process'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { type Bench, startBench } from './testing/cli.ts'
import { addBranch } from './testing/fake-world.ts'

// The command lines that people find in guides, run by a shell as they stand there.

const shellTimeoutMs = 60_000

let bench: Bench

beforeEach(async () => {
  bench = await startBench()
  await installCommands()
})
afterEach(async () => bench.stop())

/** A `neon` that runs the sources, a `psql` that notes what it was given, a `jq` of our need. */
async function installCommands(): Promise<void> {
  const bin = join(bench.cwd, 'bin')
  await mkdir(bin)
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  const main = join(import.meta.dirname, 'main.ts')
  await install('neon', `exec '${process.execPath}' --import '${loader}' -C source '${main}' "$@"`)
  await install('psql', `echo "$1" >> "$PSQL_NOTES"; cat >> "$PSQL_NOTES"`)
  await install('npm', ':')
  await mkdir(join(bench.cwd, 'migrations'))
  await writeFile(join(bench.cwd, 'migrations', 'add_user_role.sql'), 'SELECT 1;\n')
}

async function install(name: string, script: string): Promise<void> {
  const path = join(bench.cwd, 'bin', name)
  await writeFile(path, `#!/bin/sh\n${script}\n`)
  await chmod(path, 0o755)
}

interface Shell {
  stdout: string
  stderr: string
  code: number
}

async function bash(script: string, variables: Record<string, string> = {}): Promise<Shell> {
  return new Promise((resolve) => {
    execFile(
      'bash',
      ['--norc', '-c', script],
      {
        cwd: bench.cwd,
        env: {
          ...bench.environment,
          PATH: `${join(bench.cwd, 'bin')}:${bench.environment['PATH'] ?? ''}`,
          PSQL_NOTES: join(bench.cwd, 'psql-notes'),
          ...variables,
        },
        timeout: shellTimeoutMs,
      },
      (error, stdout, stderr) =>
        resolve({ stdout, stderr, code: typeof error?.code === 'number' ? error.code : 0 }),
    )
  })
}

function branchNames(): string[] {
  return bench.world.branches.map((branch) => branch.name)
}

test('the branching workflow of the guide runs as it stands', { timeout: 60_000 }, async () => {
  const { stdout, stderr, code } = await bash(`set -e
neon branch create --parent-branch-id main --branch-name feature/new-column
NEON_DATABASE_URL=$(neon connection-string --branch-name feature/new-column)
psql $NEON_DATABASE_URL < migrations/add_user_role.sql
export DATABASE_URL=$NEON_DATABASE_URL
npm run test
neon branch delete --branch-name feature/new-column`)
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
  expect(stdout).toContain('feature/new-column')
  expect(stdout).toMatch(
    /brought back until 2030-01-09 00:00 UTC .*\n {2}coppice branches recover br-/,
  )

  const created = bench.api.requests.find((one) => one.operation === 'createProjectBranch')
  const [main] = bench.world.branches
  expect(created?.body).toEqual({
    branch: { name: 'feature/new-column', parent_id: main?.id },
    endpoints: [{ type: 'read_write' }],
  })
  const deleted = bench.api.requests.at(-1)
  expect(deleted?.method).toBe('DELETE')
  expect(deleted?.path).toBe('/projects/quiet-sea-00000001/branches/feature%2Fnew-column')
  expect(branchNames()).toEqual(['main'])

  const notes = await readFile(join(bench.cwd, 'psql-notes'), 'utf8')
  expect(notes).toMatch(
    /^postgresql:\/\/neondb_owner:[^@]+@ep-quiet-sea-00000002\.localhost:5432\//,
  )
  expect(notes).toMatch(/SELECT 1;\n$/)
})

test('the steps of the CI workflow run as they stand', { timeout: 60_000 }, async () => {
  const { stdout, code } = await bash(
    `set -e
TEST_BRANCH="test-\${GITHUB_SHA:0:8}"
neon branch create --parent-branch-id main --branch-name $TEST_BRANCH
echo "TEST_BRANCH=$TEST_BRANCH" >> $GITHUB_ENV
psql $(neon connection-string --branch-name $TEST_BRANCH) < migrations/*
neon branch delete --branch-name $TEST_BRANCH`,
    { GITHUB_SHA: '0123456789abcdef', GITHUB_ENV: join(bench.cwd, 'github-env') },
  )
  expect(code).toBe(0)
  expect(stdout).toContain('test-01234567')
  expect(await readFile(join(bench.cwd, 'github-env'), 'utf8')).toBe('TEST_BRANCH=test-01234567\n')
  expect(branchNames()).toEqual(['main'])
})

test('a connection string is alone on stdout, for $( )', { timeout: 30_000 }, async () => {
  const { stdout, stderr } = await bash('neon connection-string --branch-name main')
  expect(stdout).toMatch(/^postgresql:\/\/\S+\n$/)
  expect(stderr).toBe('')
})

test(
  'a comment copied with its command is ignored, and said to be',
  { timeout: 30_000 },
  async () => {
    const { stderr, code } = await bash(
      'neon branch create --autoscale-limit 0.25  // Pause after 5 min inactivity',
    )
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: 'Ignored as a comment: // Pause after 5 min inactivity\n',
    })
    const created = bench.api.requests.find((one) => one.operation === 'createProjectBranch')
    expect(created?.body).toEqual({
      branch: {},
      endpoints: [
        { type: 'read_write', autoscaling_limit_min_cu: 0.25, autoscaling_limit_max_cu: 0.25 },
      ],
    })
  },
)

test('the sizes of databases can be picked from the JSON of projects', async () => {
  const { stdout } = await bench.run('projects', 'list', '--format', 'json')
  const answer: { projects: Array<{ databases: Array<{ size_bytes: number }> }> } =
    JSON.parse(stdout)
  const sizes = answer.projects.flatMap(({ databases }) => databases.map((one) => one.size_bytes))
  expect(sizes).toEqual([7_600_000])
})

test('a branch per developer, and the old one removed', async () => {
  addBranch(bench.world, 'quiet-sea-00000001', { name: 'dev-old-feature' })
  const words = (line: string) => line.split(' ').slice(1)
  const create = 'neon branch create --parent-branch-id main --branch-name'
  for (const line of [
    `${create} dev-alice`,
    `${create} dev-bob`,
    'neon branch delete --branch-name dev-old-feature',
  ]) {
    expect((await bench.run(...words(line))).code).toBe(0)
  }
  expect(branchNames()).toEqual(['main', 'dev-alice', 'dev-bob'])
})

test('an unset variable never becomes the default branch', async () => {
  for (const argv of [
    ['connection-string', '--branch-name', ''],
    ['branch', 'delete', '--branch-name', ''],
    ['branch', 'delete', '--branch-name'],
    ['branch', 'create', '--parent-branch-id', '', '--name', 'x'],
  ]) {
    const { code, stdout } = await bench.run(...argv)
    expect({ argv, code, stdout }).toEqual({ argv, code: 1, stdout: '' })
  }
  expect(bench.api.requests).toEqual([])
})

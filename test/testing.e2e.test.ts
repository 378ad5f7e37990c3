import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { psql, repository, run, startTestPlatform, type TestPlatform, until } from './platform.ts'

/** `@coppice/testing` in each test runner, as its users have it: built, in processes of their own. */
let platform: TestPlatform
const samples = join(repository, 'test', 'testing-samples')
const bin = join(repository, 'node_modules', '.bin')

beforeAll(async () => {
  platform = await startTestPlatform()
  await psql(
    platform.connectionUri,
    "CREATE TABLE orders (id int, note text); INSERT INTO orders VALUES (1, 'of the parent')",
  )
})
afterAll(async () => {
  await platform?.remove()
})

const creations = new Set(['create_branch', 'apply_schema_from_branch'])

/** Every branch that has been made from now on, whether or not it is still there. */
let madeBefore = 0
const made = async (): Promise<number> => {
  const { operations } = await platform.client.listProjectOperations({
    path: { project_id: platform.projectId },
    query: { limit: 1000 },
  })
  return operations.filter(({ action }) => creations.has(action)).length
}
const branches = async (): Promise<string[]> => {
  const answer = await platform.client.listProjectBranches({
    path: { project_id: platform.projectId },
    query: {},
  })
  return answer.branches.map(({ id }) => id)
}
beforeEach(async () => {
  madeBefore = await made()
})
async function expectMadeAndGone(count: number): Promise<void> {
  expect((await made()) - madeBefore).toBe(count)
  expect(await branches()).toHaveLength(1)
  expect(await psql(platform.connectionUri, 'SELECT * FROM orders')).toBe('1|of the parent')
}

test('files of Vitest run at once, each on a branch of its own, and leave nothing', async () => {
  const args = ['run', '--root', join(samples, 'vitest')]
  const stdout = await run(join(bin, 'vitest'), args, { env: platform.env })
  expect(JSON.parse(stdout)).toMatchObject({ numPassedTests: 6, numFailedTests: 0 })
  await expectMadeAndGone(4)
})

test("so do those of Node's test runner", async () => {
  await run(process.execPath, ['--test', join(samples, 'node', 'orders.sample.mjs')], {
    env: platform.env,
  })
  await expectMadeAndGone(1)
})

test("so do those that have Jest's globals", async () => {
  await run(process.execPath, [join(samples, 'jest', 'runner.mjs')], { env: platform.env })
  await expectMadeAndGone(2)
})

async function crash(...args: string[]): Promise<{ branchId: string; kill: () => boolean }> {
  const child = spawn(process.execPath, [join(samples, 'crash.mjs'), ...args], {
    env: platform.env,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [chunk] = await once(child.stdout, 'data')
  return { branchId: String(chunk).trim(), kill: () => child.kill('SIGKILL') }
}

test.each(['SIGKILL', 'SIGINT', 'throw'])(
  'a runner that ends by %s leaves nothing',
  async (way) => {
    const { branchId } = await crash(way)
    expect(branchId).toMatch(/^br-/)
    await until(async () => !(await branches()).includes(branchId), 'the branch is deleted')
  },
)

test('a branch whose time is over goes although its runner still lives', async () => {
  const { branchId, kill } = await crash('stay', '3')
  try {
    await until(async () => !(await branches()).includes(branchId), 'the branch has expired')
  } finally {
    kill()
  }
})

test.each([
  [{ COPPICE_HOME: '/nowhere' }, 'set COPPICE_API_HOST'],
  [{ NEON_API_HOST: '127.0.0.1:9', NEON_API_KEY: 'x' }, 'http://127.0.0.1:9/api/v2 cannot be'],
  [{ NEON_API_KEY: 'a-wrong-key' }, 'API key'],
  [{ NEON_PROJECT_ID: 'nobody' }, 'project nobody'],
])('with %j it says what is wrong', (env, message) => {
  const { status, stderr } = spawnSync(process.execPath, [join(samples, 'crash.mjs'), 'throw'], {
    env: { ...platform.env, ...env },
    encoding: 'utf8',
  })
  expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining(message) })
  expect(stderr).not.toContain('a-wrong-key')
})

async function blockOf(language: string, having: string): Promise<string> {
  const text = await readFile(join(repository, 'docs', 'testing.md'), 'utf8')
  for (const [, block = ''] of text.matchAll(
    new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, 'g'),
  )) {
    if (block.includes(having)) return block
  }
  throw new Error(`docs/testing.md has no ${language} with ${having}`)
}

test('the shell of the documentation works as it stands there', async () => {
  await platform.shell(await blockOf('sh', 'trap'))
  await expectMadeAndGone(1)
})

const hasPytest = spawnSync('python3', ['-m', 'pytest', '--version']).status === 0

test.skipIf(!hasPytest)('so does the fixture for pytest', async () => {
  const directory = join(platform.home, 'python')
  await mkdir(directory)
  await writeFile(join(directory, 'conftest.py'), await blockOf('python', 'fixture'))
  await writeFile(
    join(directory, 'test_orders.py'),
    `import subprocess
def test_rows(database_url):
    sql = "insert into orders values (2); select count(*) from orders"
    out = subprocess.run(["psql", "-XqAtc", sql, database_url], check=True, capture_output=True, text=True)
    assert out.stdout.strip() == "2"
`,
  )
  await platform.shell('cd "$COPPICE_HOME/python" && python3 -m pytest -q -p no:cacheprovider')
  await expectMadeAndGone(1)
})

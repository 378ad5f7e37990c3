import { afterEach, beforeEach, expect, test } from 'vitest'

import type { Cli } from './cli.ts'
import { readConfig } from './config.ts'
import { findAwakeBranches, findTargets } from './inspect/targets.ts'
import { type Bench, startBench } from './testing/cli.ts'
import { addBranch, addDatabase, addEndpoint } from './testing/fake-world.ts'

let bench: Bench

beforeEach(async () => {
  bench = await startBench()
  addDatabase(bench.world, bench.world.branches[0]?.id ?? '', 'shop', 'neondb_owner')
})
afterEach(async () => bench.stop())

const anything = { branch: 'main', databaseName: undefined, roleName: undefined, dbUrl: undefined }

/** As a command gets it; only what asks the API is read here. */
function cli(): Cli {
  const config = readConfig({
    environment: bench.environment,
    cwd: bench.cwd,
    platform: 'linux',
    userHome: bench.cwd,
    isRoot: false,
  })
  return { config, options: {}, retryDelayMs: 5 } as unknown as Cli
}

test('each database of the branch is asked, and one where all say the same', async () => {
  const each = await findTargets(cli(), anything, 'database')
  expect(each.map((target) => target.database)).toEqual(['neondb', 'shop'])
  expect(each[1]?.uri).toMatch(/^postgresql:\/\/neondb_owner:.*\/shop\?/)
  expect(await findTargets(cli(), anything, 'compute')).toHaveLength(1)
  const [one, ...others] = await findTargets(
    cli(),
    { ...anything, databaseName: 'shop', roleName: 'app' },
    'database',
  )
  expect({ one, others }).toEqual({
    one: { uri: expect.stringMatching(/^postgresql:\/\/app:.*\/shop\?/), database: undefined },
    others: [],
  })
})

test('all branches that are awake are asked on the compute that is, and no other', async () => {
  const { world } = bench
  const [main] = world.branches
  const branchWith = (name: string, states: Array<['read_write' | 'read_only', boolean]>) => {
    const branch = addBranch(world, main?.project_id ?? '', { name })
    addDatabase(world, branch.id, 'neondb', 'neondb_owner')
    for (const [type, isAwake] of states) {
      addEndpoint(world, branch, { type }).current_state = isAwake ? 'active' : 'idle'
    }
    return branch
  }
  for (const endpoint of world.endpoints) endpoint.current_state = 'idle'
  branchWith('replica-only', [
    ['read_write', false],
    ['read_only', true],
  ])
  branchWith('both', [
    ['read_only', true],
    ['read_write', true],
  ])
  branchWith('asleep', [['read_write', false]])
  const choice = { ...anything, roleName: 'app', databaseName: 'neondb' }
  const found = await findAwakeBranches(cli(), choice, 'compute')
  expect(found.map(({ branch }) => branch)).toEqual(['both', 'replica-only'])
  const hosts: string[] = []
  for (const { find } of found) {
    const targets = await find()
    expect(targets).toHaveLength(1)
    hosts.push(...targets.map(({ uri }) => uri.split('@')[1]?.split('.')[0] ?? ''))
  }
  const stateOf = (id: string) => world.endpoints.find((endpoint) => endpoint.id === id)
  expect(hosts.map((id) => [stateOf(id)?.type, stateOf(id)?.current_state])).toEqual([
    ['read_write', 'active'],
    ['read_only', 'active'],
  ])
})

test('where nothing is awake, that is said and nothing is woken', async () => {
  for (const endpoint of bench.world.endpoints) endpoint.current_state = 'idle'
  const { code, stdout, stderr } = await bench.run('inspect', 'db', 'locks', '--all', '-o', 'json')
  expect({ code, stdout, stderr }).toEqual({
    code: 0,
    stdout: '[]\n',
    stderr: 'No branch is awake.\n',
  })
})

test.each([
  [['calls', '--all', '--branch', 'main'], 'cannot be used with'],
  [['calls', '--all', '--db-url', 'x'], 'cannot be used with'],
  [['lfc-hit-rate'], 'inspect db cache-hit'],
  [['working-set', '--branch', 'main'], 'inspect db cache-hit'],
  [['calls', '--db-url', 'x', '--branch', 'main'], 'cannot be used with'],
  [['calls', '--db-url', ''], '--db-url is empty'],
  [['calls', '--database-name', ''], '--database-name is empty'],
  [['calls', '--db-url', 'mysql://x'], 'not a connection string'],
  [['calls', '--db-url', 'postgresql://u:secret@127.0.0.1:1/d'], 'database d at 127.0.0.1:1'],
  [['calls', '--db-url', 'postgresql://u@h/d?sslmode=maybe'], 'sslmode=maybe'],
  [['nonsense'], "unknown command 'nonsense'"],
])('refuses inspect db %j', async (argv, message) => {
  const { code, stdout, stderr } = await bench.run('inspect', 'db', ...argv)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain(message)
  expect(stderr).not.toContain('secret')
  expect(bench.api.requests).toEqual([])
})

import type { Command } from 'commander'
import { afterEach, beforeEach, expect, test } from 'vitest'

import type { Cli } from './cli.ts'
import { addCommands, createProgram } from './program.ts'
import { type Bench, startBench } from './testing/cli.ts'

// Every command of Neon's CLI 6.2.3, with its options, is one of ours; or there is a sentence about it.

const ours: ReadonlyArray<readonly [path: string, options: string]> = [
  ['me', ''],
  ['orgs list', ''],
  ['org list', ''],
  ['api-keys list', ''],
  ['api-key create', 'name'],
  ['api-keys revoke', ''],
  ['api', 'method field raw-field data query header include list describe refresh'],
  ['projects list', 'org-id recoverable-only'],
  ['project create', 'name region-id org-id pg-version database role cu psql set-context'],
  ['projects create', 'secrets no-secrets block-public-connections block-vpc-connections hipaa'],
  ['projects get', ''],
  ['projects update', 'name cu block-vpc-connections hipaa enable-logical-replication yes'],
  ['projects delete', ''],
  ['projects recover', ''],
  ['branches list', ''],
  ['branch get', ''],
  ['branches delete', ''],
  ['branches rename', ''],
  ['branches set-default', ''],
  ['branches create', 'name parent compute no-compute type suspend-timeout cu psql schema-only'],
  ['branches create', 'expires-at protected secrets no-secrets'],
  ['branches reset', 'parent preserve-under-name'],
  ['branches restore', 'preserve-under-name'],
  ['branches set-expiration', 'expires-at'],
  ['branches add-compute', 'type cu name'],
  ['branches schema-diff', 'database db'],
  ['branches sd', ''],
  ['databases list', 'branch'],
  ['db create', 'name owner-name branch'],
  ['database delete', 'branch'],
  ['roles list', 'branch'],
  ['role create', 'name no-login branch'],
  ['roles delete', 'branch'],
  ['operations list', ''],
  ['operation list', ''],
  ['connection-string', 'role-name database-name pooled prisma endpoint-type extended psql ssl'],
  ['cs', ''],
  ['psql', 'role-name database-name pooled endpoint-type ssl'],
  ['snapshots list', ''],
  ['snapshot get', ''],
  ['snapshots create', 'branch name slug timestamp lsn expires-at'],
  ['snapshots update', 'name expires-at clear-expiration'],
  ['snapshots delete', ''],
  ['snapshots restore', 'name target-branch finalize'],
  ['snapshots finalize', 'name'],
  ['snapshots schedule get', 'branch'],
  ['snapshots schedule set', 'branch frequency hour day month retention schedule'],
  ...[
    'table-sizes',
    'index-sizes',
    'unused-indexes',
    'seq-scans',
    'long-running-queries',
    'stalled-queries',
    'locks',
    'outliers',
    'calls',
    'lfc-hit-rate',
    'working-set',
    'vacuum-stats',
    'bloat',
    'replication-slots',
    'subscriptions',
  ].map((name) => [`inspect db ${name}`, 'branch database-name role-name db-url'] as const),
  ['inspection db bloat', ''],
  ['logs query', 'branch since start-time end-time limit cursor sort-order source service-name'],
  ['logs query', 'scope-name minimum-severity severity-text body-contains trace-id logql'],
  ['logs fields', 'branch'],
  ['logs field-values', 'branch since start-time end-time source limit'],
  ['ip-allow list', ''],
  ['ip-allow add', 'protected-only'],
  ['ip-allow remove', ''],
  ['ip-allow reset', ''],
  ['set-context', 'org-id branch-id'],
  ['link', 'org-id project-name region-id branch branch-id params yes clear no-checks no-env-pull'],
  ['link', 'no-config'],
  ['checkout', 'create no-env-pull env'],
  ['git install', ''],
  ['git uninstall', ''],
  ['git sync', 'pull quiet no-env-pull'],
  ['git status', ''],
  ['git cleanup', 'prune-neon-branches yes'],
  ['diff', 'branch database db'],
  ['env pull', 'branch file service env'],
  ['status', 'current-branch'],
  ['completion', ''],
]

const elsewhere = [
  'auth --keyring',
  'login',
  'profile list',
  'profiles create work --api-key x',
  'profile rotate-key work',
  'profile remove work',
  'config status --config-json',
  'config plan',
  'config apply',
  'config init',
  'deploy --env .env',
  'dev --source x.ts --port 3000',
  'open',
  'bootstrap my-app --template hono',
  'init -y',
  'mcp --oauth',
  'plugins -y',
  'skills update',
  'ask --prompt why',
  'claim create',
  'claimable list',
  'data-api create --database shop',
  'neon-auth enable',
  'neon-auth user list',
  'functions deploy hello',
  'function domains list',
  'triggers list',
  'credentials create',
  'buckets object list',
  'vpc endpoint list',
]

let bench: Bench

beforeEach(async () => {
  bench = await startBench()
})
afterEach(async () => bench.stop())

function find(path: string): Command {
  const program = createProgram({ stdout: process.stdout, stderr: process.stderr })
  // Nothing is run, so nothing is asked of the CLI.
  addCommands(program, {} as Cli)
  return path.split(' ').reduce((command, name) => {
    const child = command.commands.find(
      (one) => one.name() === name || one.aliases().includes(name),
    )
    if (!child) throw new Error(`there is no command ${path}`)
    return child
  }, program)
}

test.each(ours)('%s is a command, with %s', (path, options) => {
  const command = find(path)
  const known = command.options.map((option) => option.long?.slice(2))
  expect(options.split(' ').filter((name) => name !== '' && !known.includes(name))).toEqual([])
})

test.each(elsewhere)('%s says what to do instead', async (line) => {
  const { code, stdout, stderr } = await bench.run(...line.split(' '))
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^ERROR: .*\.\n.+\n/)
  expect(stderr).not.toContain('unknown')
  expect(bench.api.requests).toEqual([])
})

test('what is elsewhere is not offered', async () => {
  const { stdout } = await bench.run('--help')
  expect(stdout).not.toMatch(/neon-auth|data-api|buckets/)
})

test.each([
  [['projects', 'create', '--hipaa'], 'certificate'],
  [['projects', 'update', '--block-public-connections=true'], 'ip-allow'],
  [['projects', 'update', '--block-vpc-connections', 'false'], 'ip-allow'],
  [['me', '--profile', 'work'], 'COPPICE_API_KEY'],
])('%j is refused with what to do', async (argv, message) => {
  const { code, stderr } = await bench.run(...argv)
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining(message) })
  expect(bench.api.requests).toEqual([])
})

test('a switch against analytics is welcome: there are none', async () => {
  expect((await bench.run('me', '--no-analytics')).code).toBe(0)
})

import { afterEach, beforeEach, expect, test } from 'vitest'

import { parseBranchPoint } from './point-in-time.ts'
import { type Bench, startBench } from './testing/cli.ts'
import { addBranch, addDatabase } from './testing/fake-world.ts'

const project = 'quiet-sea-00000001'
const main = 'br-quiet-sea-00000001'
const dev = 'br-quiet-sea-00000002'
const past = '2026-01-31T12:00:00Z'

let bench: Bench

beforeEach(async () => {
  bench = await startBench()
  addBranch(bench.world, project, { name: 'dev', parentId: main })
})
afterEach(async () => bench.stop())

function sent(operation: string) {
  return bench.api.requests.find((request) => request.operation === operation)
}

test.each([
  ['main', 'main', {}],
  [`main@${past}`, 'main', { timestamp: past }],
  ['main@0/16B3748', 'main', { lsn: '0/16B3748' }],
  [
    'npm/@types/node@2026-01-31T12:00:00.123456+02:00',
    'npm/@types/node',
    { timestamp: '2026-01-31T12:00:00.123456+02:00' },
  ],
  ['npm/@types/node', 'npm/@types/node', {}],
  ['release@2', 'release@2', {}],
  ['^self@0/1', '^self', { lsn: '0/1' }],
])('%s is a branch and a moment', (text, branch, moment) => {
  expect(parseBranchPoint(text)).toEqual({ branch, moment })
})

test.each([
  'main@2026-01-31',
  'main@2026-01-31T12:00:00',
  'main@2026-13-31T12:00:00Z',
  'main@2999-01-01T00:00:00Z',
])('%s is refused before anything is asked', async (point) => {
  const { code, stderr } = await bench.run('connection-string', point)
  expect({ code, stderr }).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/not a time|in the future/),
  })
  expect(bench.api.requests).toEqual([])
})

test('a branch is made of a moment of the default branch or of another', async () => {
  const parents = ['0/16B3748', past, `dev@${past}`, 'dev@0/16B3748', `${dev}@0/1`]
  for (const parent of parents) {
    expect((await bench.run('branches', 'create', '--parent', parent)).code).toBe(0)
    bench.world.branches.pop()
  }
  const bodies = bench.api.requests
    .filter((request) => request.operation === 'createProjectBranch')
    .map((request) => (request.body as { branch: unknown }).branch)
  expect(bodies).toEqual([
    { parent_lsn: '0/16B3748' },
    { parent_timestamp: past },
    { parent_id: dev, parent_timestamp: past },
    { parent_id: dev, parent_lsn: '0/16B3748' },
    { parent_id: dev, parent_lsn: '0/1' },
  ])
})

test('a schema-only branch needs the compute that fills it', async () => {
  expect((await bench.run('branches', 'create', 'empty', '--schema-only')).code).toBe(0)
  expect(sent('createProjectBranch')?.body).toMatchObject({
    branch: { name: 'empty', init_source: 'schema-only' },
    endpoints: [{ type: 'read_write' }],
  })
  for (const flags of [['--no-compute'], ['--type', 'read_only']]) {
    const { code, stderr } = await bench.run('branches', 'create', '--schema-only', ...flags)
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('read_write'),
    })
  }
})

test('reset replaces a branch by its parent, and asks to be told so', async () => {
  const { stdout } = await bench.run('branches', 'reset', 'dev', '--parent', '-o', 'json')
  expect(JSON.parse(stdout)).toMatchObject({ id: dev, last_reset_at: expect.any(String) })
  expect(sent('restoreProjectBranch')).toMatchObject({ body: { source_branch_id: main } })
  const bare = await bench.run('branches', 'reset', 'dev')
  expect(bare).toMatchObject({ code: 1, stderr: expect.stringContaining('reset dev --parent') })
  const root = await bench.run('branches', 'reset', 'main', '--parent')
  expect(root).toMatchObject({ code: 1, stderr: expect.stringContaining('main has no parent') })
})

test('restore takes another branch, the parent, or a moment', async () => {
  for (const argv of [
    ['dev', 'main'],
    ['dev', '^parent'],
    ['--branch', 'dev', 'main'],
  ]) {
    bench.api.requests.length = 0
    expect((await bench.run('branches', 'restore', ...argv)).code).toBe(0)
    expect(sent('restoreProjectBranch')?.body).toEqual({ source_branch_id: main })
  }
  bench.api.requests.length = 0
  const back = ['restore', 'dev', `^self@${past}`, '--preserve-under-name', 'dev-old']
  const { stdout } = await bench.run('branches', ...back, '-o', 'json')
  expect(JSON.parse(stdout)).toMatchObject({
    restored_branch: { id: dev },
    backup_branch: { name: 'dev-old' },
  })
  expect(sent('restoreProjectBranch')?.body).toEqual({
    source_branch_id: dev,
    source_timestamp: past,
    preserve_under_name: 'dev-old',
  })
})

test.each([
  [['restore', 'dev', '^self'], 'say when'],
  [['restore', 'dev', 'dev'], 'say when'],
  [['restore', 'dev', '^self@0/1'], '--preserve-under-name'],
  [['restore', 'dev'], 'Restore dev to what?'],
  [['restore'], 'Which branch?'],
  [['restore', 'main', '^parent'], 'has no parent'],
  [['restore', 'dev', 'gone'], 'gone does not exist'],
])('refuses branches %j', async (argv, message) => {
  const { code, stdout, stderr } = await bench.run('branches', ...argv)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain(message)
  expect(sent('restoreProjectBranch')).toBeUndefined()
})

const diff = '--- a/shop\n+++ b/shop\n@@ -1,1 +1,2 @@\n CREATE TABLE a ();\n+CREATE TABLE b ();\n'

test('diff shows each database that differs from the parent', async () => {
  addDatabase(bench.world, dev, 'shop', 'neondb_owner')
  bench.world.schemaDiffs['shop'] = diff
  const { stdout } = await bench.run('diff', '--branch', 'dev')
  expect(stdout).toBe(
    'Database shop\n--- main (br-quiet-sea-00000001)\n+++ dev (br-quiet-sea-00000002)\n' +
      '@@ -1,1 +1,2 @@\n CREATE TABLE a ();\n+CREATE TABLE b ();\n',
  )
  const { stdout: json } = await bench.run('diff', '-b', 'dev', '-o', 'json')
  expect(JSON.parse(json)).toMatchObject([
    {
      database: 'neondb',
      base_branch: 'main',
      compare_branch: 'dev',
      has_changes: false,
      diff: '',
    },
    { database: 'shop', base_branch_id: main, compare_branch_id: dev, has_changes: true },
  ])
  const same = await bench.run('diff', '-b', 'dev', '--db', 'neondb')
  expect(same).toEqual({ code: 0, stdout: '', stderr: 'The schemas are the same.\n' })
})

test.each([
  [['branches', 'schema-diff', 'main', 'dev'], main, dev, {}],
  [['branches', 'sd', 'dev', '^parent'], main, dev, {}],
  [['branches', 'sd', 'main', `dev@${past}`], main, dev, { timestamp: past }],
  [['branches', 'sd', 'main', '^self@0/1'], main, main, { lsn: '0/1' }],
  [['diff', 'main@0/1', '-b', 'dev'], main, dev, { base_lsn: '0/1' }],
])('%j compares the right sides', async (argv, base, compared, moment) => {
  expect((await bench.run(...argv, '--database', 'neondb')).code).toBe(0)
  expect(sent('getProjectBranchSchemaComparison')).toMatchObject({
    path: `/projects/${project}/branches/${compared}/compare_schema`,
    query: { base_branch_id: base, db_name: 'neondb', ...moment },
  })
})

test('a branch is not compared with itself', async () => {
  const { code, stderr } = await bench.run('branches', 'schema-diff', 'dev', '^self')
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('Both sides') })
})

test('a snapshot is made, found by id, name or slug, changed and deleted', async () => {
  const create = ['snapshots', 'create', '-b', 'main', '--name', 'before', '--slug', 'first']
  const { stdout } = await bench.run(...create, '--timestamp', past, '-o', 'json')
  const { id }: { id: string } = JSON.parse(stdout)
  expect(sent('createSnapshot')).toMatchObject({
    path: `/projects/${project}/branches/main/snapshot`,
    query: { name: 'before', slug: 'first', timestamp: past },
    body: undefined,
  })
  for (const reference of [id, 'before', 'first']) {
    const shown = await bench.run('snapshot', 'get', reference)
    expect(shown.stdout).toMatch(/Checked +failed, .* ago: checksum of block 7/)
  }
  await bench.run('snapshots', 'update', 'first', '--name', 'renamed', '--expires-at', past)
  expect(bench.world.snapshots).toMatchObject([{ name: 'renamed', expires_at: expect.any(String) }])
  await bench.run('snapshots', 'update', 'first', '--clear-expiration')
  expect(sent('updateSnapshot')?.body).toMatchObject({ snapshot: { name: 'renamed' } })
  expect(bench.world.snapshots[0]).not.toHaveProperty('expires_at')
  const list = await bench.run('snapshots', 'list')
  expect(list.stdout).toMatch(/renamed +first +br-quiet-sea-00000001 +29.6 MB +failed .* never\n$/)
  const deleted = await bench.run('snapshots', 'delete', 'renamed', '-o', 'json')
  expect(JSON.parse(deleted.stdout)).toMatchObject({ id })
  expect((await bench.run('snapshots', 'list')).stdout).toContain('No snapshots found')
})

test('a name that two snapshots have is not guessed', async () => {
  await bench.run('snapshots', 'create', '--name', 'twice')
  await bench.run('snapshots', 'create', '--name', 'twice')
  const { code, stderr } = await bench.run('snapshots', 'delete', 'twice')
  expect(code).toBe(1)
  expect(stderr).toContain('snap-quiet-sea-00000002')
  expect((await bench.run('snapshots', 'get', 'none')).stderr).toContain('no snapshot none')
})

test('a snapshot is restored, to look at or in the place of a branch', async () => {
  await bench.run('snapshots', 'create', '--name', 'before')
  const look = await bench.run('snapshots', 'restore', 'before', '--name', 'look')
  expect(look.stdout).toMatch(/Restored +restored from snap-/)
  expect(look.stderr).toContain('coppice snapshots finalize br-quiet-sea-00000003')
  expect(sent('restoreSnapshot')?.body).toEqual({ name: 'look', finalize_restore: false })
  bench.api.requests.length = 0
  const back = ['before', '--target-branch', 'main', '--finalize', '-o', 'json']
  const { stdout, stderr } = await bench.run('snapshots', 'restore', ...back)
  expect(JSON.parse(stdout)).toMatchObject({ restored_from: expect.any(String) })
  expect(stderr).toBe('')
  expect(sent('restoreSnapshot')?.body).toEqual({ target_branch_id: main, finalize_restore: true })
  await bench.run('snapshots', 'finalize', 'look', '--name', 'main-old')
  expect(sent('finalizeRestoreBranch')?.body).toEqual({ name: 'main-old' })
})

test('a schedule is set by flags or as JSON, and cleared', async () => {
  const set = ['snapshots', 'schedule', 'set', '-b', 'main']
  await bench.run(...set, '--frequency', 'daily', '--hour', '3', '--retention', '7d')
  const rule = { frequency: 'daily', hour: 3, retention_seconds: 604_800 }
  expect(bench.world.schedule).toEqual([rule])
  const { stdout } = await bench.run('snapshots', 'schedule', 'get', '-b', 'main')
  expect(stdout).toMatch(/daily +3:00 UTC +7 days\n$/)
  await bench.run(...set, '--schedule', JSON.stringify([rule, { frequency: 'weekly', day: 1 }]))
  expect(bench.world.schedule).toHaveLength(2)
  await bench.run(...set, '--clear')
  expect(bench.world.schedule).toEqual([])
})

test.each([
  [['create', '--lsn', 'x'], 'a position in the WAL'],
  [['create', '--timestamp', 'yesterday'], 'is not a time'],
  [['create', '--timestamp', past, '--lsn', '0/1'], 'cannot be used with'],
  [['update', 'x'], '--clear-expiration'],
  [['update', 'x', '--expires-at', '7d', '--clear-expiration'], 'cannot be used with'],
  [['finalize'], 'Which branch?'],
  [['schedule', 'set'], 'How often?'],
  [['schedule', 'set', '--frequency', 'daily', '--clear'], 'exclude each other'],
  [['schedule', 'set', '--frequency', 'daily', '--hour', '24'], 'from 0 to 23'],
  [['schedule', 'set', '--schedule', '{}'], 'not a JSON list'],
])('refuses snapshots %j', async (argv, message) => {
  const { code, stdout, stderr } = await bench.run('snapshots', ...argv)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain(message)
  expect(bench.api.requests).toEqual([])
})

test('the history of a branch says from when on it can be gone back to, and what that costs', async () => {
  const { code, stdout } = await bench.run('branches', 'history', 'main')
  expect(code).toBe(0)
  expect(stdout).toContain('2026-02-01 00:00 UTC')
  expect(stdout).toContain('LSN 0/16B3748')
  expect(stdout).toMatch(/WAL +4\.0 MB/)
  const { stdout: json } = await bench.run('branches', 'history', '-o', 'json')
  expect(JSON.parse(json)).toMatchObject({ retention_seconds: 86_400, wal_bytes: 4_194_304 })
})

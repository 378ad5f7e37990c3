import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { psql, startTestPlatform, type TestPlatform } from './platform.ts'

/** What the command line does beside its mission, on a whole platform. */
let platform: TestPlatform
let work: string

beforeAll(async () => {
  platform = await startTestPlatform()
  work = join(platform.home, 'work')
  await mkdir(work)
})

afterAll(async () => {
  await platform?.remove()
})

async function inspect(name: string): Promise<Array<Record<string, string>>> {
  return JSON.parse(await platform.neon('inspect', 'db', name, '-o', 'json'))
}

test('a branch is inspected as its owner, without a superuser and without a psql', async () => {
  const uri = platform.connectionUri
  await psql(uri, 'CREATE TABLE items AS SELECT n FROM generate_series(1, 1000) n; ANALYZE')
  await psql(uri, 'SELECT pg_sleep(0.2)')
  expect(await inspect('table-sizes')).toContainEqual({
    database: 'neondb',
    schema: 'public',
    name: 'items',
    size: expect.stringMatching(/kB$/),
  })
  const [slowest] = await inspect('slow-queries')
  expect(slowest).toMatchObject({ query: 'SELECT pg_sleep($1)', ncalls: '1' })
  for (const name of ['bloat', 'vacuum-stats', 'locks', 'stalled-queries', 'replication-slots']) {
    expect(Array.isArray(await inspect(name))).toBe(true)
  }
})

test('a directory follows git, and its env file leads to the branch', async () => {
  await writeFile(join(work, '.gitignore'), '.neon\n.env*\n')
  const before = await platform.shell(
    `git init -q -b main
     git -c user.name=t -c user.email=t@example.com commit -q --allow-empty -m begin
     coppice link --context-file .neon --no-env-pull
     coppice git install --create
     git checkout -q -b feature/x
     set -a; . ./.env.local; set +a
     psql "$DATABASE_URL_UNPOOLED" -qAtc "CREATE TABLE only_here (); SELECT '$NEON_BRANCH'"
     psql "$DATABASE_URL" -qAtc "SELECT count(*) FROM only_here"
     coppice status --current-branch`,
    { cwd: work },
  )
  expect(before).toMatch(/feature\/x\n0\nfeature\/x\n$/)
  const names = JSON.parse(await platform.neon('branches', 'list', '-o', 'json')) as Array<{
    name: string
  }>
  expect(names.map((branch) => branch.name).toSorted()).toEqual(['feature/x', 'main'])
  const after = await platform.shell(
    `git checkout -q main
     git branch -q -D feature/x
     coppice git cleanup --prune-neon-branches --yes 2>&1
     coppice psql -- -qAtc "SELECT to_regclass('only_here') IS NULL"`,
    { cwd: work },
  )
  expect(after).toContain('Deleted branch feature/x')
  expect(after).toMatch(/t\n$/)
  expect(JSON.parse(await readFile(join(work, '.neon'), 'utf8'))).toMatchObject({
    branch: 'main',
    git: { follow: true, map: { main: 'main' } },
  })
})

test('a dropped table comes back: from a snapshot, from a moment, in its place', async () => {
  const uri = platform.connectionUri
  await psql(uri, 'CREATE TABLE precious AS SELECT 42 AS n')
  await platform.neon('snapshots', 'create', '--name', 'before')
  const lsn = await psql(uri, 'SELECT pg_current_wal_flush_lsn()')
  await psql(uri, 'DROP TABLE precious')

  await platform.neon('snapshots', 'restore', 'before', '--name', 'look')
  await platform.neon('branches', 'create', '--name', 'then', '--parent', `main@${lsn}`)
  for (const branch of ['look', 'then']) {
    const there = (await platform.neon('connection-string', branch)).trim()
    expect(await psql(there, 'SELECT n FROM precious')).toBe('42')
  }
  const restore = ['main', `^self@${lsn}`, '--preserve-under-name', 'main-broken']
  const answer: unknown = JSON.parse(
    await platform.neon('branches', 'restore', ...restore, '-o', 'json'),
  )
  expect(answer).toMatchObject({
    restored_branch: { name: 'main', last_reset_at: expect.any(String) },
    backup_branch: { name: 'main-broken' },
  })
  expect(await psql(uri, 'SELECT n FROM precious')).toBe('42')
  const list: unknown = JSON.parse(await platform.neon('snapshots', 'list', '-o', 'json'))
  expect(list).toMatchObject([{ name: 'before', manual: true }])
})

test('what PostgreSQL has logged is found by its text', async () => {
  await psql(platform.connectionUri, 'SELECT 1/0').catch(() => undefined)
  const answer = JSON.parse(
    await platform.neon('logs', 'query', '--minimum-severity', 'error', '-o', 'json'),
  ) as { logs: unknown[] }
  expect(answer.logs).toContainEqual(
    expect.objectContaining({
      message: 'division by zero',
      severity_text: 'ERROR',
      attributes: expect.objectContaining({ database: 'neondb' }),
    }),
  )
})

test('any route can be called by its path', async () => {
  const text = await platform.neon('api', `/projects/${platform.projectId}/branches/count`)
  expect(JSON.parse(text)).toEqual({ count: expect.any(Number) })
  const path = `/projects/${platform.projectId}/branches`
  const made = await platform.shell(`echo '{"branch":{"name":"piped"}}' | coppice api ${path} -d -`)
  expect(JSON.parse(made)).toMatchObject({ branch: { name: 'piped' } })
})

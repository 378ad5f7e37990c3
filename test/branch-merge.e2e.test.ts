import { afterAll, beforeAll, expect, test } from 'vitest'

import type { MergeAnswer } from '../packages/cli/src/merge/merge-branch.ts'
import { psql, startTestPlatform, type TestPlatform } from './platform.ts'

/** The schema of a branch, from its first change to the parent and back. */
let platform: TestPlatform

beforeAll(async () => {
  platform = await startTestPlatform()
  await psql(
    platform.connectionUri,
    `CREATE TABLE users (id int PRIMARY KEY, name text, plan text DEFAULT 'free');
     INSERT INTO users SELECT n, 'u' || n FROM generate_series(1, 100) n`,
  )
  await platform.neon('branches', 'create', '--name', 'feature/x')
})

afterAll(async () => {
  await platform?.remove()
})

const onBranch = async (sql: string) =>
  psql(await platform.neon('connection-string', 'feature/x'), sql)
const onMain = async (sql: string) => psql(platform.connectionUri, sql)
const merge = async (...args: string[]) =>
  platform.neon('branches', 'merge', 'feature/x', '--into', 'main', '--schema-only', ...args)

async function branchNames(): Promise<string[]> {
  const { branches } = await platform.client.listProjectBranches({
    path: { project_id: platform.projectId },
    query: {},
  })
  return branches.map(({ name }) => name).toSorted()
}

test('a branch merges into what its parent has become, asked about renames, and can be undone', async () => {
  await onBranch(
    `ALTER TABLE users RENAME COLUMN name TO full_name;
     ALTER TABLE users ADD COLUMN active boolean NOT NULL DEFAULT true, DROP COLUMN plan;
     CREATE VIEW actives AS SELECT id, full_name FROM users WHERE active`,
  )
  await onMain(`ALTER TABLE users ADD COLUMN born date; CREATE INDEX users_name ON users (name)`)

  await expect(merge('--yes')).rejects.toThrow('--rename users.name=full_name')
  const answers = ['--rename', 'users.name=full_name', '--drop', 'users.plan']
  await expect(merge(...answers)).rejects.toThrow('--yes')
  const script = await merge(...answers, '--dry-run')
  expect(script).toContain('alter table "public"."users" rename column "name" to "full_name"')
  expect(script).toContain('-- drops\nalter table "public"."users" drop column "plan"')
  expect(await onMain(`SELECT name FROM users WHERE id = 7`)).toBe('u7')
  expect(await branchNames()).toEqual(['feature/x', 'main'])

  const answer = JSON.parse(await merge(...answers, '--yes', '-o', 'json')) as MergeAnswer
  expect(answer).toMatchObject({ applied: true, conflicts: [], remaining: [], refusal: null })
  expect(await onMain(`SELECT full_name, active, born IS NULL FROM users WHERE id = 7`)).toBe(
    'u7|t|t',
  )
  expect(await onMain(`SELECT count(*) FROM actives`)).toBe('100')
  expect(
    await onMain(`SELECT count(*) FROM coppice.migrations WHERE name LIKE 'merge-of-feature/x-%'`),
  ).toBe('1')
  expect(await branchNames()).toEqual(['feature/x', 'main'])

  const back = await platform.neon('branches', 'diff', 'feature/x', 'main')
  expect(back).toContain('add column "born" date')
  expect(back).toContain('CREATE INDEX users_name')
  expect(back).not.toContain('drop')
})

test('what both changed differently is named, and nothing is changed', async () => {
  await onBranch(`ALTER TABLE users ALTER COLUMN active SET DEFAULT false`)
  const before = await onMain(`SELECT pg_current_wal_insert_lsn()`)
  await onMain(`ALTER TABLE users ALTER COLUMN active DROP NOT NULL`)
  await expect(merge('--yes')).rejects.toThrow(/Conflict: .*users/)
  expect(await onMain(`SELECT full_name FROM users WHERE id = 7`)).toBe('u7')
  expect(await branchNames()).toEqual(['feature/x', 'main'])

  const since = await platform.neon('branches', 'diff', `main@${before}`, 'main')
  expect(since.trim()).toBe('alter table "public"."users" alter column "active" drop not null;')
  await platform.neon('migrate', 'undo', '-b', 'main', '--yes')
  expect(await onMain(`SELECT name, plan FROM users WHERE id = 7`)).toBe('u7|free')
})

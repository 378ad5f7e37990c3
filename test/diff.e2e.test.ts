import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { psql, startTestPlatform, type TestPlatform } from './platform.ts'

/** How two branches differ, in their schemas and in their rows, on a whole platform. */
let platform: TestPlatform

beforeAll(async () => {
  platform = await startTestPlatform()
})

afterAll(async () => {
  await platform?.remove()
})

const uriOf = async (branch: string, ...rest: string[]): Promise<string> =>
  (await platform.neon('connection-string', branch, ...rest)).trim()

interface Answer {
  tables: {
    table: string
    added: number
    removed: number
    changed: number
    compared_by: string[] | string
    only_in?: string
    columns_only_in_branch?: string[]
    rows: { change: string; base?: object; branch?: object }[]
  }[]
}

const diff = async (...args: string[]): Promise<Answer['tables']> =>
  (JSON.parse(await platform.neon('diff', ...args, '-o', 'json')) as Answer).tables

describe('the rows of a branch', () => {
  beforeAll(async () => {
    await psql(
      platform.connectionUri,
      `CREATE TABLE users (id bigint PRIMARY KEY, email text, seen timestamptz);
       INSERT INTO users SELECT n, 'u' || n || '@example.invalid', '2026-01-01' FROM generate_series(1, 5000) n;
       CREATE TABLE lines (invoice integer, line text COLLATE "C", amount numeric, PRIMARY KEY (invoice, line));
       INSERT INTO lines SELECT n / 3, 'l' || n % 3, n FROM generate_series(1, 300) n;
       CREATE TABLE events (at date NOT NULL, what text) PARTITION BY RANGE (at);
       CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
       INSERT INTO events SELECT '2026-01-01', 'same' FROM generate_series(1, 5);
       CREATE TABLE "Odd ""name" ("a b" text PRIMARY KEY, v json);
       INSERT INTO "Odd ""name" VALUES (E'it''s\\\\\\n', '{"a": 1}'), ('kept', NULL);
       CREATE TABLE unchanged (id uuid PRIMARY KEY DEFAULT gen_random_uuid());
       INSERT INTO unchanged SELECT FROM generate_series(1, 50);
       CREATE TABLE dropped (id integer PRIMARY KEY); INSERT INTO dropped VALUES (1), (2);`,
    )
    await platform.neon('branches', 'create', '--name', 'feature')
    await psql(
      await uriOf('feature'),
      `UPDATE users SET email = NULL WHERE id = 42;
       UPDATE users SET email = '' WHERE id = 43;
       DELETE FROM users WHERE id IN (7, 4999);
       INSERT INTO users SELECT n, 'new', NULL FROM generate_series(5001, 5003) n;
       ALTER TABLE users ADD COLUMN nick text DEFAULT 'x';
       UPDATE lines SET amount = 7.50 WHERE invoice = 5 AND line = 'l1';
       DELETE FROM events WHERE ctid IN (SELECT ctid FROM events LIMIT 2);
       INSERT INTO events VALUES ('2026-01-02', 'new'), ('2026-01-02', 'new');
       UPDATE "Odd ""name" SET v = '{"a":1}' WHERE "a b" <> 'kept';
       DROP TABLE dropped;
       CREATE TABLE made AS SELECT 1 AS n;`,
    )
  })

  test('are counted for each table, and shown with what was there before', async () => {
    const tables = await diff('--branch', 'feature', '--data')
    const counts = tables.map(({ table, added, removed, changed }) => [
      table,
      added,
      removed,
      changed,
    ])
    expect(counts).toEqual([
      ['Odd "name', 0, 0, 1],
      ['dropped', 0, 2, 0],
      ['events', 2, 2, 0],
      ['lines', 0, 0, 1],
      ['made', 1, 0, 0],
      ['unchanged', 0, 0, 0],
      ['users', 3, 2, 2],
    ])
    const users = tables.find(({ table }) => table === 'users')
    expect(users).toMatchObject({ compared_by: ['id'], columns_only_in_branch: ['nick'] })
    const seen = '2026-01-01 00:00:00+00'
    expect(users?.rows).toEqual([
      { change: 'removed', base: { id: '7', email: 'u7@example.invalid', seen } },
      {
        change: 'changed',
        base: { id: '42', email: 'u42@example.invalid', seen },
        branch: { id: '42', email: null, seen },
      },
      {
        change: 'changed',
        base: { id: '43', email: 'u43@example.invalid', seen },
        branch: { id: '43', email: '', seen },
      },
      { change: 'removed', base: { id: '4999', email: 'u4999@example.invalid', seen } },
      ...[5001, 5002, 5003].map((id) => ({
        change: 'added',
        branch: { id: String(id), email: 'new', seen: null },
      })),
    ])
    const events = tables.find(({ table }) => table === 'events')
    expect(events?.compared_by).toBe('whole row')
    expect(events?.rows).toHaveLength(4)
    expect(tables.find(({ table }) => table === 'dropped')).toMatchObject({ only_in: 'base' })
  })

  test('are shown as a table for people, a limited number of them', async () => {
    const text = await platform.neon(
      'diff',
      '--branch',
      'feature',
      '--data',
      'users',
      '--limit',
      '2',
    )
    expect(text).toContain('public.users')
    expect(text).toMatch(/^~ +42 +u42@example.invalid → NULL$/m)
    expect(text).toContain('… and 5 more')
    expect(text).toContain('columns only on')
  })

  test('of one table can be compared the other way round', async () => {
    const [users] = await diff('feature', '--branch', 'main', '--data', 'public.users')
    expect(users).toMatchObject({ added: 2, removed: 3, changed: 2 })
    await expect(diff('--branch', 'feature', '--data', 'nowhere')).rejects.toThrow(
      'Neither branch has a table nowhere',
    )
    await expect(diff('--branch', 'main', '--data')).rejects.toThrow('has no parent')
  })
})

test('a branch differs from its own past, in its schema and in its rows', async () => {
  await psql(platform.connectionUri, 'CREATE TABLE diary (day integer PRIMARY KEY)')
  const before = await psql(
    platform.connectionUri,
    `INSERT INTO diary VALUES (1); SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`,
  )
  await psql(platform.connectionUri, 'INSERT INTO diary VALUES (2)')
  await psql(platform.connectionUri, 'ALTER TABLE diary ADD COLUMN weather text')
  const path = { project_id: platform.projectId, branch_id: 'main' }
  const { diff: patch = '' } = await platform.client.getProjectBranchSchemaComparison({
    path,
    query: { db_name: 'neondb', base_branch_id: 'main', base_timestamp: before },
  })
  expect(patch).toContain(`at ${before})`)
  expect(patch.split('\n').filter((line) => /^[-+] /.test(line))).toEqual([
    '-    day integer NOT NULL',
    '+    day integer NOT NULL,',
    '+    weather text',
  ])
  const { json } = await platform.client.getProjectBranchSchema({
    path,
    query: { db_name: 'neondb', timestamp: before, format: 'json' },
  })
  const diary = json?.tables.find(({ name }) => name === 'diary')
  expect(diary?.columns.map(({ name }) => name)).toEqual(['day'])
  const [rows] = await diff(`main@${before}`, '--branch', 'main', '--data', 'diary')
  expect(rows).toMatchObject({ added: 1, removed: 0, changed: 0 })
  const { branch } = await platform.client.createProjectBranch({
    path: { project_id: platform.projectId },
    body: {
      branch: { name: 'as-it-was', init_source: 'schema-only', parent_timestamp: before },
      endpoints: [{ type: 'read_write' }],
    },
  })
  expect(branch.parent_id).toBeUndefined()
  const asItWas = await uriOf('as-it-was')
  expect(await psql(asItWas, 'SELECT count(*) FROM diary')).toBe('0')
  await expect(psql(asItWas, 'SELECT weather FROM diary')).rejects.toThrow('does not exist')
})

// Real schemas, where the one who runs the tests has some: a folder with chinook.sql.
const data = process.env['COPPICE_TEST_DATA']

describe.runIf(data !== undefined && existsSync(join(data, 'chinook.sql')))('Chinook', () => {
  beforeAll(async () => {
    await platform.shell(
      `psql -q -v ON_ERROR_STOP=1 "${platform.connectionUri}" < "${data}/chinook.sql"`,
    )
    await platform.neon('branches', 'create', '--name', 'music')
  })

  const compare = async (branch_id: string, base_branch_id?: string): Promise<string> =>
    (
      await platform.client.getProjectBranchSchemaComparison({
        path: { project_id: platform.projectId, branch_id },
        query: { db_name: 'chinook', ...(base_branch_id !== undefined && { base_branch_id }) },
      })
    ).diff ?? ''

  test('a migration on a branch shows as a diff of the schema and of the rows', async () => {
    expect(await compare('music')).toBe('')
    await psql(
      await uriOf('music', '--database-name', 'chinook'),
      `ALTER TABLE track ADD COLUMN explicit boolean NOT NULL DEFAULT false;
       CREATE INDEX track_explicit ON track (explicit) WHERE explicit;
       UPDATE track SET unit_price = unit_price + 1 WHERE track_id % 1000 = 0;`,
    )
    const patch = await compare('music')
    const added = patch
      .split('\n')
      .filter((line) => line.startsWith('+') && !line.startsWith('+++'))
    expect(added).toContain('+    explicit boolean DEFAULT false NOT NULL')
    expect(added).toContain(
      '+CREATE INDEX track_explicit ON public.track USING btree (explicit) WHERE explicit;',
    )
    const tables = await diff('--branch', 'music', '--data', '--database', 'chinook')
    expect(tables.filter(({ changed }) => changed > 0)).toMatchObject([
      { table: 'track', added: 0, removed: 0, changed: 3 },
    ])
  })

  test('a schema-only branch has all of its schema and none of its rows', async () => {
    await platform.client.createProjectBranch({
      path: { project_id: platform.projectId },
      body: {
        branch: { name: 'bare', init_source: 'schema-only' },
        endpoints: [{ type: 'read_write' }],
      },
    })
    expect(await compare('bare', 'main')).toBe('')
    const uri = await uriOf('bare', '--database-name', 'chinook')
    expect(await psql(uri, 'SELECT count(*) FROM track')).toBe('0')
    const [track] = await diff(
      'main',
      '--branch',
      'bare',
      '--database',
      'chinook',
      '--data',
      'track',
    )
    expect(track).toMatchObject({ added: 0, removed: 3503, changed: 0 })
    expect(track?.rows).toHaveLength(100)
  })
})

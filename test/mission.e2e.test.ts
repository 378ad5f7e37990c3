import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { psql, startTestPlatform, type TestPlatform, until } from './platform.ts'

/** The workflow that Coppice was asked for, in its own words, with the built CLI and a stock psql. */
let platform: TestPlatform

const schema = `
  CREATE TABLE users (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    email TEXT UNIQUE NOT NULL,
    name TEXT,
    created_at TIMESTAMP DEFAULT NOW()
  );
  CREATE TABLE posts (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL REFERENCES users(id),
    title TEXT NOT NULL,
    content TEXT,
    published BOOLEAN DEFAULT FALSE,
    created_at TIMESTAMP DEFAULT NOW()
  );
  CREATE INDEX idx_posts_user_id ON posts(user_id);
  CREATE INDEX idx_posts_created_at ON posts(created_at DESC);
  CREATE INDEX idx_users_email ON users(email);
  INSERT INTO users (email, name)
    SELECT 'user' || n || '@example.com', 'User ' || n FROM generate_series(1, 1000) n;
  INSERT INTO posts (user_id, title, content)
    SELECT id, 'Post of ' || name, repeat('text ', 50) FROM users;`

const indexes = `SELECT string_agg(indexname, ',' ORDER BY indexname) FROM pg_indexes WHERE schemaname = 'public'`

beforeAll(async () => {
  platform = await startTestPlatform()
  await psql(platform.connectionUri, schema)
})

afterAll(async () => {
  await platform?.remove()
})

test('create a branch, migrate it, and delete it, in the words of the mission', async () => {
  const work = join(platform.home, 'work')
  await mkdir(join(work, 'migrations'), { recursive: true })
  await writeFile(
    join(work, 'migrations', 'add_user_role.sql'),
    `ALTER TABLE users ADD COLUMN role TEXT NOT NULL DEFAULT 'member';\n`,
  )
  const before = await psql(platform.connectionUri, indexes)
  const output = await platform.shell(
    `
    neon branch create --parent-branch-id main --branch-name feature/new-column
    NEON_DATABASE_URL=$(neon connection-string --branch-name feature/new-column)
    psql $NEON_DATABASE_URL < migrations/add_user_role.sql
    echo "url=$NEON_DATABASE_URL"`,
    { cwd: work },
  )
  expect(output).toContain('ALTER TABLE')
  const uri = /^url=(.*)$/m.exec(output)?.[1] ?? ''
  expect(await psql(uri, 'SELECT count(*), min(role) FROM users')).toBe('1000|member')
  expect(await psql(uri, indexes)).toBe(before)
  expect(before).toContain('idx_posts_user_id')

  // Neither side sees the other's writes.
  await psql(uri, 'DELETE FROM posts')
  await psql(platform.connectionUri, `INSERT INTO users (email) VALUES ('late@example.com')`)
  expect(await psql(platform.connectionUri, 'SELECT count(*) FROM posts')).toBe('1000')
  expect(await psql(uri, `SELECT count(*) FROM users WHERE email = 'late@example.com'`)).toBe('0')
  await expect(psql(platform.connectionUri, 'SELECT role FROM users')).rejects.toThrow(
    'column "role" does not exist',
  )

  await platform.shell('neon branch delete --branch-name feature/new-column')
  await expect(psql(uri, 'SELECT 1')).rejects.toThrow('password authentication failed')
  const names = JSON.parse(await platform.neon('branches', 'list', '-o', 'json')) as {
    name: string
  }[]
  expect(names.map((branch) => branch.name)).toEqual(['main'])
})

test('developers branch side by side', async () => {
  await platform.shell(`
    neon branch create --parent-branch-id main --branch-name dev-alice
    neon branch create --parent-branch-id main --branch-name dev-bob`)
  const [alice, bob] = await Promise.all(
    ['dev-alice', 'dev-bob'].map(async (name) =>
      (await platform.neon('connection-string', '--branch-name', name)).trim(),
    ),
  )
  await psql(alice ?? '', 'ALTER TABLE users ADD COLUMN a INT')
  await psql(bob ?? '', 'ALTER TABLE users ADD COLUMN b INT; DROP TABLE posts')
  expect(await psql(alice ?? '', 'SELECT count(a), count(*) FROM users')).toMatch(/^0\|100\d$/)
  expect(await psql(platform.connectionUri, 'SELECT count(*) FROM posts')).toBe('1000')
})

test('the monitoring queries and the size report of the mission answer', async () => {
  const activity =
    'SELECT datname, usename, count(*) FROM pg_stat_activity GROUP BY datname, usename'
  expect(await psql(platform.connectionUri, activity)).toContain('neondb_owner')
  const slow = `SELECT query, mean_exec_time, calls FROM pg_stat_statements ORDER BY mean_exec_time DESC LIMIT 10`
  expect((await psql(platform.connectionUri, slow)).split('\n').length).toBeGreaterThan(1)
  expect(
    await psql(platform.connectionUri, `SELECT pg_size_pretty(pg_database_size('neondb'))`),
  ).toMatch(/\d+ \w+/)
  const sizes = await platform.shell(
    `neon projects list --format json | jq '.projects[].databases[].size_bytes'`,
  )
  expect(Number(sizes)).toBeGreaterThan(1_000_000)
})

test('a hard-deleted branch gives its space back', async () => {
  await platform.neon('branches', 'create', '--name', 'heavy')
  const uri = (await platform.neon('connection-string', 'heavy')).trim()
  const free = async (): Promise<number> =>
    (await platform.client.getPlatformStatus({})).pool.free_bytes
  await psql(uri, 'CREATE TABLE ballast AS SELECT md5(n::text) FROM generate_series(1, 2000000) n')
  const full = await free()
  await platform.neon('branches', 'delete', 'heavy', '--hard-delete')
  await until(async () => (await free()) > full + 50_000_000, 'the space is back', 60_000)
})

test('a deleted branch can be recovered with its data', async () => {
  await platform.neon('branches', 'create', '--name', 'regretted')
  const uri = (await platform.neon('connection-string', 'regretted')).trim()
  await psql(uri, 'CREATE TABLE precious AS SELECT 42 AS answer')
  await platform.neon('branches', 'delete', 'regretted')
  await platform.neon('branches', 'recover', 'regretted')
  expect(await psql(uri, 'SELECT answer FROM precious')).toBe('42')
})

// Real data sets, where the one who runs the tests has some: a folder with chinook.sql.
const data = process.env['COPPICE_TEST_DATA']

test.runIf(data !== undefined && existsSync(join(data, 'chinook.sql')))(
  'a branch has the whole Chinook database at once',
  async () => {
    await platform.shell(
      `psql -q -v ON_ERROR_STOP=1 "${platform.connectionUri}" < "${data}/chinook.sql"`,
    )
    // A second database: what worked without naming one still does.
    expect(
      await psql(
        (await platform.neon('connection-string')).trim(),
        'SELECT count(*) > 0 FROM users',
      ),
    ).toBe('t')
    await platform.neon('branches', 'create', '--name', 'music')
    const uri = (
      await platform.neon('connection-string', 'music', '--database-name', 'chinook')
    ).trim()
    expect(
      await psql(uri, 'SELECT (SELECT count(*) FROM track), (SELECT count(*) FROM invoice_line)'),
    ).toBe('3503|2240')
    expect(await psql(uri, indexes)).toContain('track_album_id_idx')
  },
)

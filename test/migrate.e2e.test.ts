import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { Rehearsal, StatementReport, UndoAnswer } from '@coppice/api'
import type { ApplyAnswer } from '@coppice/migrate/apply'
import type { StatusRow } from '@coppice/migrate/status'
import { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { psql, repository, startTestPlatform, type TestPlatform, until } from './platform.ts'

/** A schema change from rehearsal to undo, with rows that make rewrites take time. */
let platform: TestPlatform
let directory: string

const orders = 200_000

beforeAll(async () => {
  platform = await startTestPlatform()
  await psql(
    platform.connectionUri,
    `CREATE TABLE customers (id int PRIMARY KEY, email text);
     INSERT INTO customers SELECT n, 'c' || n || '@example.com' FROM generate_series(1, 1000) n;
     CREATE TABLE orders (id int PRIMARY KEY, customer_id int, amount int, note varchar(20));
     INSERT INTO orders SELECT n, 1 + n % 1000, n % 97, 'n' || n FROM generate_series(1, ${orders}) n;
     ANALYZE`,
  )
})

afterAll(async () => {
  await platform?.remove()
})

beforeEach(async () => {
  directory = join(platform.home, 'migrations')
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory)
})

const write = async (name: string, sql: string) => writeFile(join(directory, name), sql)

async function migrate<T>(command: string, ...args: string[]): Promise<T> {
  const files = command === 'undo' ? [] : [directory]
  return JSON.parse(await platform.neon('migrate', command, ...files, '-o', 'json', ...args)) as T
}

async function branchNames(): Promise<string[]> {
  const { branches } = await platform.client.listProjectBranches({
    path: { project_id: platform.projectId },
    query: {},
  })
  return branches.map(({ name }) => name).toSorted()
}

/** A connection of an application that goes about its own business. */
async function connect(): Promise<Client> {
  const uri = new URL(platform.connectionUri)
  uri.searchParams.delete('sslmode')
  uri.searchParams.delete('channel_binding')
  const client = new Client({
    connectionString: uri.toString(),
    ssl: { rejectUnauthorized: false },
    application_name: 'shop',
  })
  await client.connect()
  return client
}

test('a rehearsal tells locks, rewrites, scans and builds, and leaves nothing behind', async () => {
  await write(
    '1_risky.sql',
    `ALTER TABLE orders ADD COLUMN token uuid DEFAULT gen_random_uuid();
     ALTER TABLE orders ALTER COLUMN amount TYPE bigint;
     CREATE INDEX orders_customer ON orders (customer_id);
     ALTER TABLE orders ALTER COLUMN customer_id SET NOT NULL;
     ALTER TABLE orders ALTER COLUMN note TYPE text;
     UPDATE orders SET note = 'x' WHERE id <= 10;`,
  )
  await write('2_gentle.sql', 'CREATE INDEX CONCURRENTLY orders_amount ON orders (amount);')
  const before = await branchNames()
  const rehearsal = await migrate<Rehearsal>('rehearse')
  expect(await branchNames()).toEqual(before)
  const [risky, gentle] = rehearsal.files
  expect(risky).toMatchObject({ name: '1_risky.sql', transactional: true })
  const [added, typed, indexed, notNull, varchar, updated] = risky?.statements ?? []
  const exclusive = expect.objectContaining({
    relation: 'orders',
    mode: 'AccessExclusiveLock',
    holds_up: 'reads and writes',
  })
  const anew = [{ relation: 'orders', bytes: expect.any(Number) }]
  expect(added).toMatchObject({
    line: 1,
    command: 'ALTER TABLE',
    locks: [exclusive],
    rewritten: anew,
  })
  expect(added?.indexes_built.map(({ relation }) => relation)).toEqual(['orders_pkey'])
  // Until the end of the file, whose other statements take their time too.
  const total = (risky?.statements ?? []).reduce((sum, { duration_ms: ms }) => sum + ms, 0)
  expect(added?.locks[0]?.held_ms).toBeGreaterThan(total - (added?.duration_ms ?? 0))
  expect(added?.wal_bytes).toBeGreaterThan(orders * 16)
  expect(added?.disk_bytes).toBeGreaterThan(orders * 16)
  expect(typed).toMatchObject({ line: 2, rewritten: anew })
  expect(indexed?.indexes_built.map(({ relation }) => relation)).toEqual(['orders_customer'])
  expect(indexed?.rewritten).toEqual([])
  expect(notNull).toMatchObject({ rewritten: [], scanned: ['orders'] })
  expect(varchar).toMatchObject({ rewritten: [], scanned: [] })
  expect(updated).toMatchObject({ command: 'UPDATE', rows: 10 })
  expect(gentle).toMatchObject({ transactional: false })
  expect(modesOf(gentle?.statements[0])).toEqual(['ShareUpdateExclusiveLock'])
  // A change of type that rewrites nothing is no finding.
  expect(rehearsal.findings.map(({ line, rule }) => [line, rule])).toEqual([
    [1, 'add-column-volatile-default'],
    [2, 'alter-column-type'],
    [3, 'create-index'],
    [4, 'set-not-null'],
  ])
  expect(await psql(platform.connectionUri, "SELECT to_regclass('coppice.migrations')")).toBe('')
})

function modesOf(statement: StatementReport | undefined): string[] {
  return (statement?.locks ?? []).map(({ mode }) => mode)
}

test('a rehearsal finds recorded queries whose plan changes or that fail, and what others wait', async () => {
  await psql(
    platform.connectionUri,
    `SELECT count(*) FROM orders WHERE amount = 5; SELECT email FROM customers WHERE id = 7;`,
  )
  await write(
    '1.sql',
    `CREATE INDEX orders_amount ON orders (amount);
     ALTER TABLE customers DROP COLUMN email;
     ALTER TABLE orders ADD COLUMN token uuid DEFAULT gen_random_uuid();`,
  )
  const load = join(platform.home, 'load.sql')
  await writeFile(load, 'SELECT count(*) FROM orders WHERE id < 100;')
  const report = join(platform.home, 'report.md')
  const rehearsal = await migrate<Rehearsal>('rehearse', '--load', load, '--markdown', report)
  expect(rehearsal.plans).toContainEqual(
    expect.objectContaining({
      query: expect.stringContaining('amount ='),
      after: expect.stringContaining('orders_amount'),
    }),
  )
  expect(rehearsal.plans).toContainEqual(
    expect.objectContaining({ after: null, error: 'column "email" does not exist' }),
  )
  expect(rehearsal.load).toMatchObject({ connections: 4, during: { failed: 0 } })
  const rewrite = rehearsal.files[0]?.statements[2]
  expect(rehearsal.load?.during.max_ms).toBeGreaterThan((rewrite?.duration_ms ?? 0) / 2)
  expect(rehearsal.load?.slowest[0]?.beside).toMatch(/^1\.sql:\d$/)
  const markdown = await platform.shell(`cat ${report}`)
  expect(markdown).toContain('### 1.sql: ')
  expect(markdown).toContain('AccessExclusiveLock on orders')
})

test('a rehearsal that fails says where, and findings fail only when that is asked for', async () => {
  await write('1.sql', 'CREATE TABLE a (n int);\n\nALTER TABLE orders\n  ADD CHECK (amout > 0);')
  const before = await branchNames()
  await expect(migrate('rehearse')).rejects.toThrow('1.sql:3: column "amout" does not exist')
  expect(await branchNames()).toEqual(before)
  await write('1.sql', 'CREATE INDEX orders_customer ON orders (customer_id)')
  await expect(migrate('rehearse', '--strict')).rejects.toThrow('There are findings (1)')
  const text = await platform.neon('migrate', 'rehearse', directory)
  expect(text).toContain('Better: CREATE INDEX CONCURRENTLY')
})

test('apply waits for locks without making others wait, is refused an edited history, and undone', async () => {
  await write(
    '1_amount.sql',
    "ALTER TABLE orders ADD COLUMN state text DEFAULT 'new';\nUPDATE orders SET state = 'old' WHERE id <= 50;",
  )
  const shop = await connect()
  try {
    await shop.query('BEGIN')
    await shop.query('SELECT count(*) FROM orders')
    const child = platform.neon(
      'migrate',
      'apply',
      directory,
      '-o',
      'json',
      '--lock-timeout',
      '200ms',
    )
    const waiting = async () =>
      psql(
        platform.connectionUri,
        "SELECT count(*) FROM pg_locks WHERE relation = 'orders'::regclass AND NOT granted",
      )
    await until(async () => (await waiting()) === '1', 'the apply waits for the lock')
    await until(async () => (await waiting()) === '0', 'the apply has let go')
    await shop.query('COMMIT')
    const answer = JSON.parse(await child) as ApplyAnswer
    expect(answer.applied).toMatchObject([{ name: '1_amount.sql', statements: 2 }])
  } finally {
    await shop.end()
  }
  expect(await migrate('apply')).toEqual({ applied: [], restore_point: null })
  await write('2_more.sql', 'CREATE TABLE more (n int);')
  expect((await migrate<StatusRow[]>('status')).map(({ name, state }) => [name, state])).toEqual([
    ['1_amount.sql', 'applied'],
    ['2_more.sql', 'pending'],
  ])
  await write('1_amount.sql', 'ALTER TABLE orders ADD COLUMN state text;')
  await expect(migrate('apply')).rejects.toThrow('1_amount.sql has been edited since')
  await rm(join(directory, '1_amount.sql'))
  await write('0_early.sql', 'CREATE TABLE early (n int);')
  await expect(migrate('apply')).rejects.toThrow('0_early.sql comes before 1_amount.sql')
  await psql(
    platform.connectionUri,
    'INSERT INTO orders SELECT n FROM generate_series(900001, 900007) n; DELETE FROM customers WHERE id > 997',
  )
  await until(async () => {
    const counted = await psql(
      platform.connectionUri,
      "SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'orders'",
    )
    return Number(counted) >= orders + 7
  }, 'PostgreSQL has counted the rows')
  await expect(migrate('undo')).rejects.toThrow(
    /orders: 7 rows inserted.*customers: 3 rows.*Nothing was changed.*--yes/s,
  )
  const undone = await migrate<UndoAnswer>('undo', '--yes')
  expect(undone).toMatchObject({
    undone: ['1_amount.sql'],
    lost: {
      tables: [
        { table: 'public.orders', rows: 7 },
        { table: 'public.customers', rows: 3 },
      ],
    },
  })
  expect(undone.lost.transactions).toBeGreaterThanOrEqual(2)
  expect(await psql(platform.connectionUri, 'SELECT count(*), max(id) FROM orders')).toBe(
    `${orders}|${orders}`,
  )
  expect(
    await psql(
      platform.connectionUri,
      "SELECT count(*) FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = 'state'",
    ),
  ).toBe('0')
  expect(await branchNames()).toContain(undone.backup_branch.name)
})

test('an apply that is killed goes on where it was, and one at a time works', async () => {
  await write(
    '1.sql',
    `-- no-transaction
     CREATE TABLE steps (n int);
     INSERT INTO steps VALUES (1);
     INSERT INTO steps SELECT 2 FROM pg_sleep(8);
     INSERT INTO steps VALUES (3);`,
  )
  const child = spawn(
    process.execPath,
    [join(repository, 'packages/cli/bin/coppice.js'), 'migrate', 'apply', directory],
    {
      env: platform.env,
      stdio: 'ignore',
    },
  )
  await until(async () => {
    const sleeping = await psql(
      platform.connectionUri,
      "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(8)%' AND pid <> pg_backend_pid()",
    )
    return sleeping === '1'
  }, 'the third statement runs')
  const [row] = await migrate<StatusRow[]>('status')
  expect(row).toMatchObject({ state: 'unfinished', statements_done: 2, statements: 4 })
  child.kill('SIGKILL')
  await once(child, 'exit')
  // Waits for the session that was left alone, whose statement ends without its client.
  const { applied } = await migrate<ApplyAnswer>('apply')
  expect(applied).toMatchObject([{ name: '1.sql', statements: 4 }])
  expect(await psql(platform.connectionUri, 'SELECT array_agg(n ORDER BY n) FROM steps')).toBe(
    '{1,2,3}',
  )
})

test('what a failed concurrent build leaves is dropped, and the mended file goes on', async () => {
  await psql(
    platform.connectionUri,
    'CREATE TABLE doubles (n int); INSERT INTO doubles VALUES (1), (1)',
  )
  const index = 'CREATE UNIQUE INDEX CONCURRENTLY doubles_n ON doubles (n);'
  await write('2.sql', `COMMENT ON TABLE doubles IS 'a';\n${index}`)
  await expect(migrate('apply')).rejects.toThrow('2.sql:2: could not create unique index')
  const valid = async () =>
    psql(
      platform.connectionUri,
      "SELECT indisvalid FROM pg_index WHERE indexrelid = 'doubles_n'::regclass",
    )
  expect(await valid()).toBe('f')
  await psql(
    platform.connectionUri,
    'DELETE FROM doubles WHERE ctid = (SELECT max(ctid) FROM doubles)',
  )
  await write(
    '2.sql',
    `COMMENT ON TABLE doubles IS 'a';\n${index}\nCOMMENT ON TABLE doubles IS 'b';`,
  )
  await migrate('apply')
  expect(await valid()).toBe('t')
})

test('two appliers exclude each other', async () => {
  const other = await connect()
  try {
    await other.query("SELECT pg_advisory_lock(hashtextextended('coppice.migrations', 0))")
    await write('3.sql', 'CREATE TABLE never (n int)')
    await expect(migrate('apply')).rejects.toThrow(
      /Somebody else is applying migrations here: process \d+/,
    )
  } finally {
    await other.end()
  }
})

test("files of other tools run in their order, and stand in those tools' own ledgers", async () => {
  const prisma = join(platform.home, 'prisma', 'migrations')
  await mkdir(join(prisma, '20260101000000_init'), { recursive: true })
  await mkdir(join(prisma, '20260102000000_more'))
  await writeFile(join(prisma, 'migration_lock.toml'), 'provider = "postgresql"')
  await writeFile(join(prisma, '20260101000000_init', 'migration.sql'), 'SELECT * FROM not_there')
  await writeFile(
    join(prisma, '20260102000000_more', 'migration.sql'),
    "SELECT pg_catalog.set_config('search_path', '', false); CREATE TABLE public.prisma_more (n int)",
  )
  await psql(
    platform.connectionUri,
    `CREATE TABLE _prisma_migrations (id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL,
       finished_at timestamptz, migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz,
       started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count int NOT NULL DEFAULT 0);
     INSERT INTO _prisma_migrations VALUES ('1', 'x', now(), '20260101000000_init')`,
  )
  await platform.neon('migrate', 'apply', prisma)
  expect(
    await psql(
      platform.connectionUri,
      "SELECT string_agg(migration_name, ',' ORDER BY migration_name) FROM _prisma_migrations WHERE finished_at IS NOT NULL",
    ),
  ).toBe('20260101000000_init,20260102000000_more')
})

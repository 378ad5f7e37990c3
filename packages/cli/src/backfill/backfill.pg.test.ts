import {
  findInstallations,
  startPostgres,
  type TestPostgres,
} from '@coppice/migrate/testing/postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { type Bench, startBench } from '../testing/cli.ts'

const installations = await findInstallations()

test('there is a PostgreSQL to fill', () => {
  expect(installations.length).toBeGreaterThan(0)
})

describe.each(installations)('backfill with %s', (binDirectory) => {
  let postgres: TestPostgres
  let bench: Bench
  let sql: ReturnType<TestPostgres['sql']>

  beforeAll(async () => {
    postgres = await startPostgres(binDirectory)
  })
  afterAll(async () => postgres.stop())
  beforeEach(async () => {
    bench = await startBench()
    await postgres.sql('postgres').unsafe('create database shop')
    sql = postgres.sql('shop')
    await sql.unsafe(`create table users (id bigint primary key, status text, hits int default 0);
      insert into users (id) select n * 7 from generate_series(1, 5000) n; analyze users`)
  })
  afterEach(async () => {
    await bench.stop()
    await sql.end()
    await postgres.sql('postgres').unsafe('drop database shop with (force)')
  })

  const run = async (...argv: string[]) =>
    bench.run('backfill', '--db-url', postgres.uri('shop'), ...argv)
  const activate = ['--set', "status = 'active'", '--where', 'status is null']
  async function summary(...argv: string[]): Promise<Record<string, unknown>> {
    const { code, stdout, stderr } = await run(...argv, '-o', 'json')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    return JSON.parse(stdout)
  }
  const count = async (where: string, table = 'users') => {
    const [row] = await sql.unsafe(`select count(*)::int as n from ${table} where ${where}`)
    return row?.['n']
  }

  test('changes what matches, in batches, once', async () => {
    await sql`update users set status = 'gone' where id <= 700`
    expect(await summary('--table', 'users', ...activate, '--batch', '500')).toMatchObject({
      table: 'public.users',
      key: 'id',
      rows_updated: 4900,
      rows_visited: 5000,
      batches: expect.toSatisfy((batches: number) => batches >= 10),
      resumed: false,
      remaining_rows: 0,
    })
    expect(await count("status = 'active'")).toBe(4900)
    expect(await summary('--table', 'users', ...activate)).toMatchObject({
      rows_updated: 0,
      resumed: false,
    })
    const [kept] = await sql`select rows_changed, finished_at is not null as done
      from coppice.backfills`
    expect(kept).toMatchObject({ done: true })
  })

  test('no transaction changes more rows than --batch', async () => {
    await run('--table', 'users', '--set', 'hits = hits + 1', '--batch', '300')
    const [most] = await sql`
      select max(n)::int as most, sum(n)::int as all from
        (select xmin, count(*) as n from users where hits = 1 group by xmin::text, xmin) batch`
    expect(most).toEqual({ most: 300, all: 5000 })
  })

  test('a dry run says what would be done and changes nothing', async () => {
    const plan = await summary('--table', 'users', ...activate, '--dry-run')
    expect(plan).toEqual({
      table: 'public.users',
      key: 'id',
      estimated_rows: 5000,
      estimated_matches: 5000,
      statement: expect.stringContaining('users.id > $1::text::bigint and users.id <= $2'),
    })
    expect(await count('status is null')).toBe(5000)
    expect(await sql`select from pg_namespace where nspname = 'coppice'`).toHaveLength(0)
  })

  test.each([
    ['(tenant text, at timestamptz, status text, primary key (tenant, at))', 'tenant, at'],
    ['("Weird, ""id" uuid not null unique, status text)', '"Weird, ""id"'],
    ['(code char(9) primary key, status text)', 'code'],
    ['(code numeric(20,5) primary key, status text) partition by range (code)', 'code'],
  ])('goes by the key of %s', async (columns, key) => {
    const values: Record<string, string> = {
      'tenant, at': "'t' || n % 3, '2024-01-01'::timestamptz + n * interval '0.000001 s'",
      '"Weird, ""id"': 'gen_random_uuid()',
      code: 'n',
    }
    await sql.unsafe(`create schema "My Sales"; create table "My Sales"."Orders" ${columns}`)
    if (columns.includes('partition')) {
      await sql.unsafe(`create table "My Sales".low partition of "My Sales"."Orders"
          for values from (0) to (800);
        create table "My Sales".high partition of "My Sales"."Orders" default`)
    }
    await sql.unsafe(`insert into "My Sales"."Orders" select ${values[key]}, null
      from generate_series(1, 2000) n`)
    const table = '"My Sales"."Orders"'
    const answer = await summary('--table', table, ...activate, '--batch', '150')
    expect(answer).toMatchObject({ table, key, rows_updated: 2000, remaining_rows: 0 })
    expect(await count("status = 'active'", table)).toBe(2000)
  })

  test('a table without a key is gone through by place, each row once', async () => {
    await sql.unsafe(`create table events (n int, status text, hits int default 0);
      insert into events (n) select generate_series(1, 3000)`)
    expect(
      await summary(
        '--table',
        'events',
        '--set',
        "status = 'active', hits = hits + 1",
        '--where',
        'status is null',
        '--batch',
        '400',
      ),
    ).toMatchObject({ key: 'ctid', rows_updated: 3000, remaining_rows: 0 })
    expect(await count('hits = 1', 'events')).toBe(3000)
  })

  test('without a key, a change that could meet its rows again is refused', async () => {
    await sql.unsafe(`create table events (n int); insert into events values (1)`)
    const { code, stderr } = await run('--table', 'events', '--set', 'n = n + 1')
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('no unique key') })
    expect(await count('n = 1', 'events')).toBe(1)
  })

  test.each([
    [['--table', 'nobody', ...activate], 'There is no table nobody'],
    [['--table', 'pg_stats', ...activate], 'is not a table'],
    [['--table', 'users', ...activate, '--key', 'status'], '--key "id"'],
    [['--table', 'users', '--set', 'state = 1'], '--set: column "state" of relation "users"'],
    [['--table', 'users', '--set', 'status = 1', '--where', 'statu is null'], '--where: column'],
    [['--table', 'users', '--set', 'status ='], 'syntax error'],
    [['--table', 'users', '--set', 'hits = 1', '--where', 'true) or (true'], 'parentheses'],
    [['--table', 'users', '--set', 'hits = 1', '--where', 'true; select 1'], 'holds a ;'],
  ])('refuses %j and changes nothing', async (argv, message) => {
    const { code, stderr } = await run(...argv)
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(message) })
    expect(await count('status is null and hits = 0')).toBe(5000)
    expect(await sql`select from pg_namespace where nspname = 'coppice'`).toHaveLength(0)
  })

  test('a mistake is shown where it stands', async () => {
    const { stderr } = await run('--table', 'users', '--set', 'hits = 1,\n  nope = 2')
    expect(stderr).toContain('\n    nope = 2\n    ^\n')
  })

  test('rows that somebody holds are tried again, with fewer', async () => {
    const holder = await sql.reserve()
    await holder`begin`
    await holder`update users set hits = 9 where id = 7 * 2500`
    const running = summary('--table', 'users', ...activate, '--lock-timeout', '20')
    await expect
      .poll(async () => count("status = 'active'"), { timeout: 10_000 })
      .toBeGreaterThan(1000)
    // The rows before the one that is held are done; those after it wait.
    const retried = `select count(*)::int as n from pg_stat_activity
      where application_name = 'coppice backfill' and state <> 'idle'`
    await expect.poll(async () => (await sql.unsafe(retried))[0]?.['n']).toBeGreaterThan(0)
    await expect
      .poll(
        async () =>
          (
            await sql`select xact_rollback::int as n from pg_stat_database
        where datname = 'shop'`
          )[0]?.['n'],
        { timeout: 20_000 },
      )
      .toBeGreaterThan(0)
    await holder`commit`
    holder.release()
    expect(await running).toMatchObject({
      rows_updated: 5000,
      retries: expect.toSatisfy((retries: number) => retries > 0),
    })
    expect(await count('hits = 9')).toBe(1)
  })

  test('lets those pass who wait for the table', async () => {
    const holder = await sql.reserve()
    await holder`begin`
    await holder`select from users limit 1`
    const altering = sql`alter table users add column late int`.execute()
    await expect
      .poll(
        async () =>
          (await sql`select count(*)::int as n from pg_locks where not granted`)[0]?.['n'],
      )
      .toBe(1)
    const running = run('--table', 'users', ...activate)
    await expect
      .poll(
        async () =>
          (
            await sql`select count(*)::int as n from pg_stat_activity
        where application_name = 'coppice backfill'`
          )[0]?.['n'],
        { timeout: 10_000 },
      )
      .toBeGreaterThan(0)
    await holder`commit`
    holder.release()
    await altering
    expect(await running).toMatchObject({ code: 0 })
    expect(await count("status = 'active' and late is null")).toBe(5000)
  })

  test('goes on where an interrupted run stopped, and counts it in', async () => {
    const failing = `create function fail() returns trigger language plpgsql as
      $$ begin if new.id > 7 * 3000 then raise 'stop'; end if; return new; end $$;
      create trigger fail before update on users for each row execute function fail()`
    await sql.unsafe(failing)
    const argv = ['--table', 'users', '--set', 'hits = hits + 1', '--batch', '100']
    const first = await run(...argv)
    expect(first).toMatchObject({ code: 1, stderr: expect.stringContaining('stop') })
    expect(await count('hits = 1')).toBe(3000)
    await sql.unsafe('drop trigger fail on users')
    expect(await summary(...argv)).toMatchObject({ resumed: true, rows_updated: 5000 })
    expect(await count('hits = 1')).toBe(5000)
  })
})

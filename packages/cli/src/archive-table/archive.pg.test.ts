import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import {
  findInstallations,
  startPostgres,
  type TestPostgres,
} from '@coppice/migrate/testing/postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { type Bench, startBench } from '../testing/cli.ts'

const installations = await findInstallations()

test('there is a PostgreSQL to archive from', () => {
  expect(installations.length).toBeGreaterThan(0)
})

const partitioned = `
  create table tenants (id int primary key);
  insert into tenants values (1), (2);
  create table logs (
    id bigint not null, at timestamptz not null, tenant int references tenants,
    note text default 'none', price numeric(12, 4) check (price > 0), tags text[], body jsonb,
    raw bytea, twice numeric generated always as (price * 2) stored,
    primary key (id, at)
  ) partition by range (at);
  create index on logs (tenant, at desc);
  create table logs_2024_q1 partition of logs for values from ('2024-01-01Z') to ('2024-04-01Z');
  create table logs_2024_q2 partition of logs for values from ('2024-04-01Z') to ('2024-07-01Z');
  create unique index logs_own on logs_2024_q1 (id) where note is not null;
  alter table logs_2024_q1 set (fillfactor = 70);
  insert into logs (id, at, tenant, note, price, tags, body, raw)
  select n, '2024-01-01Z'::timestamptz + n * interval '30 min', n % 2 + 1,
    case n % 5 when 0 then null when 1 then '' when 2 then E'a\\n"b", c\\\\.' when 3 then 'ü 木'
      else 'null' end,
    n / 3.0 + 1, array['x', null, 'y,"z"'], jsonb_build_object('n', n), decode('00ff0a', 'hex')
  from generate_series(1, 8000) n`

describe.each(installations)('archive table with %s', (binDirectory) => {
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
  })
  afterEach(async () => {
    await bench.stop()
    await sql.end()
    await postgres.sql('postgres').unsafe('drop database shop with (force)')
  })

  async function archive(...argv: string[]): Promise<Record<string, unknown>> {
    const { code, stdout, stderr } = await archiveWith(...argv)
    expect({ code, stderr }).toMatchObject({ code: 0 })
    return JSON.parse(stdout)
  }
  const archiveWith = async (...argv: string[]) =>
    bench.run('archive', ...argv, '--db-url', postgres.uri('shop'), '-o', 'json')
  const manifestOf = async (root: string, table: string) =>
    JSON.parse(await readFile(join(bench.cwd, root, table, 'manifest.json'), 'utf8'))
  const count = async (from: string) =>
    (await sql.unsafe(`select count(*)::int as n from ${from}`))[0]?.['n']
  const restore = async (path: string, ...argv: string[]) =>
    archiveWith('restore', join(path, 'manifest.json'), ...argv)

  test('a partition is detached, archived, dropped and comes back as it was', async () => {
    await sql.unsafe(partitioned)
    const before = await sql`select * from logs order by id`
    expect(await archive('table', 'logs_2024_q1', '--to', 'a')).toMatchObject({
      table: 'public.logs_2024_q1',
      rows: 4367,
      partition_of: 'public.logs',
      dropped: false,
      snapshot: null,
    })
    expect([await count('logs'), await count('logs_2024_q1')]).toEqual([8000 - 4367, 4367])
    expect(await archive('table', 'logs_2024_q1', '--to', 'a', '--drop', '--yes')).toMatchObject({
      dropped: true,
    })
    expect(await sql`select to_regclass('logs_2024_q1') as gone`).toEqual([{ gone: null }])

    const first = await manifestOf('a', 'public.logs_2024_q1')
    const { code, stderr } = await restore('a/public.logs_2024_q1', '--attach')
    expect({ code, stderr }).toMatchObject({ code: 0 })
    expect(await sql`select * from logs order by id`).toEqual(before)
    await archive('table', 'logs_2024_q1', '--to', 'b')
    const second = await manifestOf('b', 'public.logs_2024_q1')
    expect(second.definition).toEqual(first.definition)
    expect(second.content).toEqual(first.content)
    expect(first.definition).toMatchObject({
      partition: { parent: 'public.logs', bound: expect.stringMatching(/^FOR VALUES FROM/) },
      create_table: expect.stringMatching(/generated always as .*stored[\s\S]*fillfactor/),
      not_kept: [],
    })
  })

  test('beside a default partition it is detached, too', async () => {
    await sql.unsafe(`${partitioned}; create table logs_rest partition of logs default`)
    expect(await archive('table', 'logs_2024_q2')).toMatchObject({ rows: 8000 - 4367 })
    expect(await count('logs')).toBe(4367)
    const { code } = await restore('archive/public.logs_2024_q2')
    expect(code).toBe(1)
    await sql`drop table logs_2024_q2`
    expect(await restore('archive/public.logs_2024_q2', '--attach')).toMatchObject({ code: 0 })
    expect(await count('logs')).toBe(8000)
  })

  test('a plain table with capitals, sequences and triggers comes back', async () => {
    await sql.unsafe(`create schema "My Sales";
      create table "My Sales"."Orders/1" (id serial primary key, "No, 1" text collate "C",
        other int generated always as identity (start with 5 increment by 3), at timestamp);
      create function stamp() returns trigger language plpgsql as
        $$ begin new.at = '2024-01-01'; return new; end $$;
      create trigger stamp before insert on "My Sales"."Orders/1"
        for each row execute function stamp();
      insert into "My Sales"."Orders/1" ("No, 1") select n from generate_series(1, 10) n;
      update "My Sales"."Orders/1" set at = null where id = 3;
      comment on table "My Sales"."Orders/1" is 'x'`)
    const name = '"My Sales"."Orders/1"'
    const { code, stderr } = await archiveWith('table', name, '--drop', '--yes')
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining('does not keep its comments'),
    })
    const list = JSON.parse((await bench.run('archive', 'list', '-o', 'json')).stdout)
    expect(list).toMatchObject([{ table: name, rows: 10, partition_of: null }])
    await archive('restore', list[0].manifest)
    await sql.unsafe(`insert into ${name} ("No, 1") values ('next')`)
    expect(await sql.unsafe(`select id, other, at::text from ${name} where id in (3, 11)`)).toEqual(
      [
        { id: 3, other: 11, at: null },
        { id: 11, other: 35, at: '2024-01-01 00:00:00' },
      ],
    )
  })

  test('an empty table and one of a single text column come back', async () => {
    await sql.unsafe(String.raw`create table empty (a int); create table one (a text);
      insert into one values (null), (''), ('\.'), (E'\r\n'), ('"')`)
    for (const table of ['empty', 'one']) {
      const before = await sql.unsafe(`select * from ${table}`)
      await archive('table', table, '--drop', '--yes')
      await archive('restore', `archive/public.${table}/manifest.json`)
      expect(await sql.unsafe(`select * from ${table}`)).toEqual(before)
    }
  })

  test('a damaged archive is refused, and neither dropped after nor restored', async () => {
    await sql.unsafe('create table t as select n from generate_series(1, 5000) n')
    await archive('table', 't')
    const file = join(bench.cwd, 'archive', 'public.t', 'data.csv.gz')
    const bytes = await readFile(file)
    for (const damaged of [
      bytes.subarray(0, bytes.length / 2),
      Buffer.concat([bytes, bytes]),
      Buffer.from('nothing'),
    ]) {
      await writeFile(file, damaged)
      const again = await archiveWith('table', 't', '--drop', '--yes')
      expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('is not what was') })
    }
    expect(await count('t')).toBe(5000)
    await sql`drop table t`
    const { code, stderr } = await restore('archive/public.t')
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('damaged') })
    expect(await sql`select to_regclass('t') as gone`).toEqual([{ gone: null }])
    await writeFile(file, bytes)
    await archive('restore', 'archive/public.t/manifest.json')
    expect(await count('t')).toBe(5000)
  })

  test('rows that no longer fit are refused at the end, and nothing is left', async () => {
    await sql.unsafe('create table t as select n from generate_series(1, 5) n')
    await archive('table', 't', '--drop', '--yes')
    const path = join(bench.cwd, 'archive', 'public.t', 'manifest.json')
    const text = await readFile(path, 'utf8')
    await writeFile(path, text.replace('n integer', 'n integer check (n < 5)'))
    expect(await restore('archive/public.t')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('PostgreSQL refused'),
    })
    expect(await sql`select to_regclass('t') as gone`).toEqual([{ gone: null }])
  })

  test('a table that has changed since it was archived is not dropped', async () => {
    await sql.unsafe('create table t as select n from generate_series(1, 10) n')
    await archive('table', 't')
    await sql`update t set n = 11 where n = 10`
    const { code, stderr } = await archiveWith('table', 't', '--drop', '--yes')
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('changed') })
    expect(await count('t where n = 11')).toBe(1)
  })

  test('an archive that was interrupted after the detach still knows where the partition was', async () => {
    await sql.unsafe(partitioned)
    const directory = join(bench.cwd, 'archive', 'public.logs_2024_q1')
    await mkdir(join(directory, 'data.csv.gz.partial'), { recursive: true })
    expect(await archiveWith('table', 'logs_2024_q1')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('EISDIR'),
    })
    expect(await count('logs')).toBe(8000 - 4367)
    await rmdir(join(directory, 'data.csv.gz.partial'))
    expect(await archive('table', 'logs_2024_q1', '--drop', '--yes')).toMatchObject({
      partition_of: 'public.logs',
    })
    await archive('restore', join(directory, 'manifest.json'), '--attach')
    expect(await count('logs')).toBe(8000)
  })

  test.each([
    [['table', 'nobody'], 'There is no table nobody'],
    [['table', 'logs'], 'are in several tables'],
    [['table', 'logs_2024_q1', '--to', 's3://bucket/p'], 'S3 has no credentials'],
    [['table', 'logs_2024_q1', '--drop'], 'Add --yes'],
    [['restore', 'nowhere/manifest.json'], 'archive list'],
  ])('refuses %j and changes nothing', async (argv, message) => {
    await sql.unsafe(partitioned)
    const { code, stderr } = await archiveWith(...argv)
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(message) })
    expect(await count('logs')).toBe(8000)
  })
})

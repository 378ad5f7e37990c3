import { openAsBlob } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

import {
  findInstallations,
  startPostgres,
  type TestPostgres,
} from '@coppice/migrate/testing/postgres'
import { parquetReadObjects } from 'hyparquet'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'

import { type Bench, startBench } from '../testing/cli.ts'

const binDirectory = (await findInstallations()).at(-1) ?? ''
let postgres: TestPostgres
let bench: Bench
let sql: ReturnType<TestPostgres['sql']>

beforeAll(async () => {
  postgres = await startPostgres(binDirectory)
})
afterAll(async () => postgres?.stop())
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

async function archive(...argv: string[]): Promise<unknown> {
  const { code, stderr } = await bench.run('archive', ...argv, '--db-url', postgres.uri('shop'))
  expect({ code, stderr }).toMatchObject({ code: 0 })
  return stderr
}
const fileOf = (table: string, name: string) => join(bench.cwd, 'archive', table, name)
const columnsOf = async (table: string) => {
  const manifest = JSON.parse(await readFile(fileOf(table, 'manifest.json'), 'utf8'))
  return Object.fromEntries(
    manifest.files[0].columns.map((column: { name: string; kind: string; sql_type: string }) => [
      column.name,
      [column.sql_type, column.kind],
    ]),
  )
}

/** Bytes and all: what the types' own binary form says of each value. The server writes and reads it. */
async function binaryOf(table: string): Promise<Buffer> {
  await sql.unsafe(`do $$ begin execute format(
    'copy (select * from ${table} order by n) to %L (format binary)',
    current_setting('data_directory') || '/binary'); end $$`)
  const [row] = await sql`select pg_read_binary_file('binary') as bytes`
  return Buffer.from(row?.['bytes'])
}

/** Of each type: what is at its edges. */
const values: Record<string, string[]> = {
  boolean: ['true', 'false'],
  smallint: ['-32768', '32767', '0'],
  integer: ['-2147483648', '2147483647'],
  bigint: ['-9223372036854775808', '9223372036854775807', '9007199254740993'],
  real: ['0.1', '-0', 'NaN', 'Infinity', '-Infinity', '3.4028235e38', '1e-45', '16777217'],
  'double precision': ['0.1', '-0', 'NaN', '-Infinity', '5e-324', '1.7976931348623157e308'],
  numeric: ['1.10', '1.1', 'NaN', '123456789012345678901234567890.000001'],
  'numeric(18,4)': ['-99999999999999.9999', '0', '-0.0001', '12.5'],
  'numeric(18,0)': ['999999999999999999', '-1'],
  'numeric(38,10)': ['1234567890123456789012345678.0123456789'],
  'numeric(5,-2)': ['1234500'],
  date: ['0001-01-01', '9999-12-31', '1969-12-31', '2024-02-29'],
  timestamp: ['0001-01-01 00:00:00', '9999-12-31 23:59:59.999999', '1969-12-31 23:59:59.999999'],
  timestamptz: ['1900-01-01 12:34:56.000001+05:30', '2024-03-31 02:30:00.1+02'],
  time: ['24:00:00', '12:00:00.000001'],
  timetz: ['12:00:00+13:30'],
  interval: ['1 year -2 mons 3 days -04:05:06.000007', '-1 mons'],
  uuid: ['00000000-0000-0000-0000-000000000000', 'ffffffff-1234-4abc-8def-0123456789ab'],
  bytea: [String.raw`\x`, String.raw`\x00ff0a22`],
  text: ['', 'null', String.raw`\N`, 'a"b,c\n\r\td', 'ü 木 🌳', String.raw`\.`],
  'varchar(9)': ['x  '],
  'char(6)': ['ab'],
  '"char"': ['x'],
  name: ['a name'],
  json: ['{"b": 1,  "a": [1.10, null], "b": 2}', 'null', '"x\\u00fc"'],
  jsonb: ['{"a": 1e400}', 'null', '[]'],
  xml: ['<a b="c">d</a>'],
  'integer[]': ['{}', '{1,NULL,3}', '[0:1]={1,2}', '{{1,2},{3,4}}'],
  'text[]': ['{"",NULL,"null","a\\"b"}'],
  inet: ['10.0.0.1/8', '::1'],
  cidr: ['10.0.0.0/8'],
  macaddr: ['08:00:2b:01:02:03'],
  'bit(3)': ['101'],
  varbit: ['', '1011'],
  int4range: ['empty', '[1,5)', '(,)'],
  tstzrange: ['["2024-01-01 00:00:00+00",infinity)'],
  int4multirange: ['{[1,2),[5,9)}'],
  point: ['(0.1,-1e-7)'],
  tsvector: ["'a':1A 'b':2"],
  money: ['-12.34'],
  pg_lsn: ['16/B374D848'],
  oid: ['4294967295'],
  mood: ['so, so', 'happy'],
  posint: ['7'],
  pair: ['(1,"a b")', '(,)'],
}
const types = Object.keys(values)
const columnName = (type: string) => `"c ${type.replaceAll('"', '')}"`

test('values of every type come back from Parquet bit by bit', async () => {
  await sql.unsafe(`create type mood as enum ('happy', 'so, so');
    create domain posint as integer check (value > 0);
    create type pair as (a int, b text);
    create table t (n serial primary key, ${types.map((type) => `${columnName(type)} ${type}`).join(', ')})`)
  for (const [type, list] of Object.entries(values)) {
    for (const value of list) {
      await sql.unsafe(
        `insert into t (${columnName(type)}) values ('${value.replaceAll("'", "''")}')`,
      )
    }
  }
  const before = await binaryOf('t')
  await archive('table', 't', '--format', 'parquet', '--drop', '--yes')
  await archive('restore', 'archive/public.t')
  expect(await binaryOf('t')).toEqual(before)
  expect(await columnsOf('public.t')).toMatchObject({
    'c boolean': ['boolean', 'boolean'],
    'c bigint': ['bigint', 'int64'],
    'c numeric': ['numeric', 'text'],
    'c numeric(18,4)': ['numeric(18,4)', 'decimal'],
    'c numeric(38,10)': ['numeric(38,10)', 'text'],
    'c numeric(5,-2)': ['numeric(5,-2)', 'text'],
    'c timestamptz': ['timestamp with time zone', 'timestamptz'],
    'c uuid': ['uuid', 'uuid'],
    'c mood': ['public.mood', 'text'],
    'c integer[]': ['integer[]', 'text'],
  })
})

test('a column with values that Parquet has not is text, and comes back', async () => {
  await sql.unsafe(`create table t (n int, d date, e date, ts timestamp, tz timestamptz, p numeric(6,2));
    insert into t values (1, 'infinity', '2024-01-01', '-infinity', '10000-01-01Z', 'NaN'),
      (2, '0044-03-15 BC', null, '2024-01-01', '2024-01-01Z', 1.5)`)
  const before = await binaryOf('t')
  await archive('table', 't', '--format', 'parquet', '--drop', '--yes')
  await archive('restore', 'archive/public.t/manifest.json')
  expect(await binaryOf('t')).toEqual(before)
  expect(await columnsOf('public.t')).toEqual({
    n: ['integer', 'int32'],
    d: ['date', 'text'],
    e: ['date', 'date'],
    ts: ['timestamp without time zone', 'text'],
    tz: ['timestamp with time zone', 'text'],
    p: ['numeric(6,2)', 'text'],
  })
})

test('another reader of Parquet finds the values with their types', async () => {
  await sql.unsafe(`create table t as select 7::bigint as big, 1.25::numeric(6,2) as price,
    '2024-02-29'::date as day, '2024-02-29 12:00:00.5Z'::timestamptz as at, 'ü'::text as note,
    '{"a": 1}'::jsonb as body, null::int as nothing`)
  await archive('table', 't', '--format', 'parquet')
  const blob = await openAsBlob(fileOf('public.t', 'data.parquet'))
  const [row] = await parquetReadObjects({
    file: {
      byteLength: blob.size,
      slice: async (start, end) => blob.slice(start, end).arrayBuffer(),
    },
    compressors: { GZIP: (bytes) => gunzipSync(bytes) },
  })
  expect(row).toMatchObject({
    big: 7n,
    price: 1.25,
    day: new Date('2024-02-29'),
    at: new Date('2024-02-29T12:00:00.500Z'),
    note: 'ü',
    nothing: null,
  })
})

test('an archive in another format than is asked for is left alone', async () => {
  await sql.unsafe('create table t as select 1 as n')
  await archive('table', 't')
  const argv = ['archive', 'table', 't', '--format', 'parquet', '--drop', '--yes']
  expect(await bench.run(...argv, '--db-url', postgres.uri('shop'))).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('as csv already'),
  })
  expect(await sql`select n from t`).toEqual([{ n: 1 }])
})

test('a table of several row groups and an empty one come back', async () => {
  await sql.unsafe(`create table t as select n, md5(n::text) as a from generate_series(1, 250000) n;
    create table empty (n int, at date)`)
  const before = await sql`select sum(hashtextextended(t::text, 0)) from t`
  for (const table of ['t', 'empty']) {
    await archive('table', table, '--format', 'parquet', '--drop', '--yes')
    await archive('restore', `archive/public.${table}`)
  }
  expect(await sql`select sum(hashtextextended(t::text, 0)) from t`).toEqual(before)
  expect(await sql`select count(*)::int as n from empty`).toEqual([{ n: 0 }])
})

test('--format parquet is refused where there are no files', async () => {
  expect(await bench.run('projects', 'list', '--format', 'parquet')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('none of table, json, yaml'),
  })
})

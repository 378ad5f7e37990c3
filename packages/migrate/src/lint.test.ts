import { expect, test } from 'vitest'

import { lint } from './lint.ts'
import { parseStatements } from './statements.ts'

async function rulesOf(sql: string): Promise<string[]> {
  const statements = await parseStatements({ name: '1.sql', sql, firstLine: 1 })
  const transactional = statements.every((statement) => statement.transactional)
  const migration = {
    name: '1.sql',
    path: '',
    checksum: '',
    statements,
    transactional,
    journaledAt: undefined,
  }
  return lint([migration]).map(({ line, rule }) => `${line} ${rule}`)
}

test.each([
  ['alter table t add column a uuid default gen_random_uuid()', ['add-column-volatile-default']],
  [
    'alter table t add column a text default upper(random()::text)',
    ['add-column-volatile-default'],
  ],
  ['alter table t add column a timestamptz default now()', []],
  ["alter table t add column a text not null default 'x'", []],
  ['alter table t add column id bigserial primary key', ['add-column-serial', 'add-unique']],
  ['alter table t add column id int generated always as identity', ['add-column-serial']],
  ['alter table t add column s int generated always as (a + 1) stored', ['add-column-stored']],
  ['alter table t add column a int references u (id)', ['add-foreign-key']],
  ['alter table t alter a type bigint', ['alter-column-type']],
  ['alter table t alter a set not null', ['set-not-null']],
  ['alter table t alter a set default 1', []],
  ['alter table t drop column a', ['drop-column']],
  ['alter table t add constraint c check (a > 0)', ['add-check']],
  ['alter table t add constraint c check (a > 0) not valid', []],
  ['alter table t add foreign key (a) references u', ['add-foreign-key']],
  ['alter table t add foreign key (a) references u not valid', []],
  ['alter table t add unique (a)', ['add-unique']],
  ['alter table t add constraint c unique using index i', []],
  ['alter table t add exclude using gist (r with &&)', ['add-exclusion']],
  ['alter table t set unlogged', ['rewrite-table']],
  ['create index on t (a)', ['create-index']],
  ['create index concurrently i on t (a)', []],
  ['drop index i', ['drop-index']],
  ['drop index concurrently i', []],
  ['drop table t', ['drop-table']],
  ['alter table t rename to u', ['rename-table']],
  ['alter table t rename column a to b', ['rename-column']],
  ['update t set a = 1', ['update-whole-table']],
  ['update t set a = 1 where id < 5', []],
  ['delete from t', ['delete-whole-table']],
  ['truncate t, u', ['truncate', 'truncate']],
  ['vacuum full t', ['vacuum-full']],
  ['vacuum t', []],
  ['cluster t using i', ['cluster']],
  ['reindex table t', ['reindex']],
  ['reindex table concurrently t', []],
  ['refresh materialized view v', ['refresh-materialized-view']],
  ['refresh materialized view concurrently v', []],
  ['lock table t', ['lock-table']],
  ["alter type e add value 'x'", ['add-enum-value']],
  ["alter type e rename value 'x' to 'y'", []],
])('%s: %j', async (sql, rules) => {
  expect(await rulesOf(sql)).toEqual(rules.map((rule) => `1 ${rule}`))
})

test("a table that the files create is nobody else's yet", async () => {
  expect(
    await rulesOf(`create table public.t (a int);
      create index on t (a);
      alter table t alter a set not null;
      create table v as select 1 as a;
      update v set a = 2;
      create index on other (a);`),
  ).toEqual(['6 create-index'])
})

test('a constraint that is validated while its lock is held is found', async () => {
  const add = 'alter table t add constraint c check (a > 0) not valid;'
  expect(await rulesOf(`${add}\nalter table t validate constraint c`)).toEqual([
    '2 validate-in-same-transaction',
  ])
  expect(await rulesOf('alter table t validate constraint c')).toEqual([])
})

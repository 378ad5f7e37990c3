import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { AdvisedError } from '../advised-error.ts'
import { migratingSession, openSession, type Session } from '../session.ts'
import { findInstallations, startPostgres, type TestPostgres } from '../testing/postgres.ts'
import { type Derivation, derive } from './derive.ts'
import { inspect } from './migra.ts'
import { readSchema } from './read-schema.ts'
import { describeObject } from './schema-object.ts'
import { compareThreeWay, differencesOf, withChanges } from './three-way.ts'

const installations = await findInstallations()
const limits = migratingSession({ lockTimeoutMs: 0, statementTimeoutMs: 60_000 })

test('there is a PostgreSQL to merge in', () => {
  expect(installations.length).toBeGreaterThan(0)
})

/** What is there before anybody changes anything. */
const base = `
  create schema shop;
  create type shop.mood as enum ('sad', 'it''s ok');
  create table shop.customers (
    id bigint generated always as identity primary key, email text not null default 'none', mood shop.mood default 'sad',
    born date, price numeric(10, 2), twice numeric generated always as (price * 2) stored, "Odd ""name" text
  );
  create table shop.orders (
    id serial primary key, customer_id bigint references shop.customers, amount int check (amount > 0), at timestamptz
  );
  create index orders_at on shop.orders (at);
  create view shop.totals as select customer_id, sum(amount) as total from shop.orders group by 1;
  create view shop.big_totals as select * from shop.totals where total > 100;
  grant select on shop.totals to reader;
  create materialized view shop.stats as select count(*) as orders from shop.orders;
  create unique index stats_orders on shop.stats (orders);
  create function shop.twice(n int) returns int language sql immutable as 'select n * 2';
  create function shop.touch() returns trigger language plpgsql as 'begin return new; end';
  create trigger touch before update on shop.orders for each row execute function shop.touch();
  create policy mine on shop.orders using (true);
  create sequence shop.numbers;
  create table shop.logs (id bigint, at date not null, note text) partition by range (at);
  create table shop.logs_1 partition of shop.logs for values from ('2030-01-01') to ('2030-02-01');
  create domain shop.positive as int check (value > 0);
  insert into shop.customers (price) values (1), (2);
  insert into shop.orders (customer_id, amount) values (1, 200);`

describe.each(installations)('merging schemas with %s', (binDirectory) => {
  let postgres: TestPostgres
  let version = 0

  beforeAll(async () => {
    postgres = await startPostgres(binDirectory)
    await create('base', 'template1')
    await on('base', async (session) => {
      await session.run('create role reader; create role "odd-Writer"')
      await session.run(base)
      const [row] = await session.sql<Array<{ n: string }>>`
        select current_setting('server_version_num') as n`
      version = Math.floor(Number(row?.n) / 10_000)
    })
  })
  afterAll(async () => postgres.stop())

  const on = async <T>(database: string, work: (session: Session) => Promise<T>): Promise<T> =>
    openSession(postgres.database(database), limits, work)

  async function create(name: string, template: string): Promise<void> {
    const sql = postgres.sql('postgres')
    await sql.unsafe(`drop database if exists ${name} with (force)`)
    await sql.unsafe(`create database ${name} template ${template}`)
    await sql.end()
  }

  interface Merged extends Derivation {
    conflicts: string[]
    /** What is not as it should be in a fresh copy of the parent after the statements. */
    left: string[]
  }

  /** Changes a branch and its parent, and applies what is derived to the parent. */
  async function merge(branchSql: string, parentSql?: string): Promise<Merged> {
    const branch = await afterwards('base', [branchSql], async (session) => ({
      schema: await readSchema(session),
      inspected: await inspect(session),
    }))
    const before = await on('base', readSchema)
    const own = parentSql === undefined ? 'base' : 'parent'
    if (parentSql !== undefined) {
      await create('parent', 'base')
      await on('parent', async (session) => session.run(parentSql))
    }
    const parent = await on(own, readSchema)
    const { changes, conflicts } = compareThreeWay(before, branch.schema, parent)
    await create('trial', own)
    const derivation = await on('trial', async (session) => derive(session, branch, changes))
    const merged = await afterwards(
      own,
      [...derivation.first, derivation.statements.join(';\n')],
      readSchema,
    )
    const left = differencesOf(merged, withChanges(parent, changes))
    return {
      ...derivation,
      conflicts: conflicts.map(({ object }) => object),
      left: left.map(({ before: is, after }) => describeObject(is ?? after ?? never())),
    }
  }

  /** What a database is after statements: labels of enums need a commit, all else is rolled back. */
  async function afterwards<T>(
    database: string,
    statements: string[],
    read: (session: Session) => Promise<T>,
  ): Promise<T> {
    const isToCommit = statements.some((statement) => statement.includes('add value'))
    if (isToCommit) await create('copy', database)
    return on(isToCommit ? 'copy' : database, async (session) => {
      if (!isToCommit) await session.run('begin')
      for (const statement of statements) {
        for (const one of isToCommit ? statement.split(';') : [statement]) await session.run(one)
      }
      const result = await read(session)
      if (!isToCommit) await session.run('rollback')
      return result
    })
  }

  function never(): never {
    throw new Error('a difference of nothing')
  }

  /** Every kind of object: what a branch does to it, and the parent gets. */
  const kinds: Array<[name: string, sql: string, since?: number]> = [
    [
      'a table with all that it has',
      `
      create table shop.items (id uuid primary key default gen_random_uuid(), name text collate "C" not null unique,
        price numeric check (price >= 0), order_id int references shop.orders on delete cascade deferrable,
        span int4range, exclude using gist (span with &&), number serial, kind shop.mood);
      create index on shop.items (lower(name)) where price > 0;
      alter table shop.items enable row level security, force row level security;
      alter table shop.items set (fillfactor = 70);
      comment on table shop.items is 'what''s sold'; comment on column shop.items.name is 'its name';
      grant select, insert on shop.items to reader; grant update (name) on shop.items to "odd-Writer" with grant option`,
    ],
    [
      'a table that is gone',
      'drop view shop.big_totals, shop.totals; drop materialized view shop.stats; drop table shop.orders',
    ],
    [
      'columns that come and go',
      `
      alter table shop.customers drop column born, add column active boolean not null default true,
        add column tags text[] default '{}', add column name text collate "C"`,
    ],
    [
      'a column of another type, with its default and views on it',
      `
      drop view shop.big_totals, shop.totals;
      alter table shop.orders alter column amount type bigint;
      create view shop.totals as select customer_id, sum(amount) as total from shop.orders group by 1;
      create view shop.big_totals as select * from shop.totals where total > 100;
      grant select on shop.totals to reader;
      alter table shop.customers alter column email drop default, alter column email type varchar(50),
        alter column email set default 'no mail'`,
    ],
    [
      'a default that cannot be cast',
      `
      alter table shop.customers alter column "Odd ""name" set default 'x', add column n text default 'many';
      alter table shop.customers alter n drop default, alter n type int using null, alter n set default 7`,
    ],
    [
      'defaults and NOT NULL',
      `
      alter table shop.customers alter email drop not null, alter email drop default, alter price set default 5,
        alter price set not null`,
    ],
    [
      'an identity with its limits',
      `
      alter table shop.customers alter id set generated by default set increment 5 set cache 10;
      create table shop.notes (id int generated by default as identity (start 100 increment 3))`,
    ],
    [
      'generated columns',
      `
      alter table shop.customers add column half numeric generated always as (price / 2) stored,
        alter twice drop expression`,
    ],
    [
      'a generated column with another expression',
      `
      alter table shop.customers drop column twice, add column twice numeric generated always as (price * 3) stored`,
    ],
    [
      'virtual generated columns',
      `
      alter table shop.customers add column third numeric generated always as (price / 3) virtual`,
      18,
    ],
    [
      'constraints',
      `
      alter table shop.orders drop constraint orders_amount_check, add constraint amount check (amount > 1),
        add unique (customer_id, at) deferrable initially deferred, drop constraint orders_customer_id_fkey,
        add constraint of_customer foreign key (customer_id) references shop.customers on delete set null not valid;
      alter table shop.orders add constraint later check (amount < 1000000) not valid;
      comment on constraint amount on shop.orders is 'more than one'`,
    ],
    [
      'another primary key',
      `
      alter table shop.orders drop constraint orders_pkey, add constraint orders_key primary key (id, amount)`,
    ],
    [
      'indexes',
      `
      drop index shop.orders_at; create index orders_at on shop.orders (at desc) include (amount);
      create unique index "Odd index" on shop.customers ((lower(email))) where price > 5`,
    ],
    [
      'an enum with more labels, used at once',
      `
      alter type shop.mood add value 'happy' before 'sad'; alter type shop.mood add value 'it''s great' after 'happy';
      alter table shop.customers alter mood set default 'happy'`,
    ],
    [
      'an enum with fewer labels',
      `
      alter table shop.customers alter mood drop default;
      alter type shop.mood rename to old; create type shop.mood as enum ('sad', 'glad');
      alter table shop.customers alter mood type shop.mood using mood::text::shop.mood;
      alter table shop.customers alter mood set default 'sad'; drop type shop.old`,
    ],
    [
      'enums that are new and gone',
      `
      create type shop."Odd size" as enum ('s', 'm'); create table shop.shirts (size shop."Odd size"[] default '{s}');
      alter table shop.customers drop column mood; drop type shop.mood`,
    ],
    [
      'views with options and what depends on them',
      `
      create or replace view shop.totals with (security_barrier) as
        select customer_id, sum(amount) as total, count(*) as orders from shop.orders group by 1;
      create view shop.recent with (check_option = local) as select * from shop.orders where at > now() - interval '1 day';
      create view shop.a as select * from shop.recent; drop view shop.big_totals`,
    ],
    [
      'a view that has to be made anew, with its grants',
      `
      drop view shop.big_totals, shop.totals;
      create view shop.totals as select sum(amount) as total, customer_id from shop.orders group by 2;
      create view shop.big_totals as select * from shop.totals where total > 100;
      grant select on shop.totals to reader; comment on view shop.totals is 'sums'`,
    ],
    [
      'a materialized view with its index',
      `
      drop materialized view shop.stats;
      create materialized view shop.stats as select count(*) as orders, max(at) as last from shop.orders;
      create unique index stats_orders on shop.stats (orders)`,
    ],
    [
      'functions and procedures',
      `
      create or replace function shop.twice(n int) returns int language sql stable parallel safe set work_mem = '8MB'
        as 'select n + n';
      create function shop.label(n int, prefix text default 'n') returns text language sql immutable as $$ select prefix || n $$;
      create procedure shop.tidy(inout n int) language plpgsql security definer as $$ begin delete from shop.orders where false; end $$;
      create function shop.all_orders() returns setof shop.orders language sql as 'select * from shop.orders';
      revoke execute on function shop.label from public; grant execute on function shop.label to reader`,
    ],
    [
      'a function of the same name with another result',
      `
      drop function shop.twice; create function shop.twice(n int) returns bigint language sql as 'select n * 2::bigint'`,
    ],
    [
      'new functions in defaults, checks, indexes and policies',
      `
      create function shop.code() returns text language sql volatile as $$ select 'c' || random() $$;
      create function shop.is_code(c text) returns boolean language sql immutable as $$ select c like 'c%' $$;
      create table shop.codes (code text default shop.code() check (shop.is_code(code)));
      create index codes_check on shop.codes (shop.is_code(code));
      create policy codes on shop.codes using (shop.is_code(code))`,
    ],
    [
      'triggers',
      `
      drop trigger touch on shop.orders;
      create trigger touch after insert or delete on shop.orders for each statement execute function shop.touch();
      create trigger "Odd trigger" before insert on shop.customers for each row when (new.price > 0) execute function shop.touch();
      alter table shop.customers disable trigger "Odd trigger"`,
    ],
    [
      'policies',
      `
      alter table shop.orders enable row level security; drop policy mine on shop.orders;
      create policy mine on shop.orders as restrictive for update to "odd-Writer", reader using (amount > 1) with check (amount > 2);
      create policy "Odd policy" on shop.customers for select to public using (true)`,
    ],
    [
      'sequences',
      `
      create sequence shop.codes as int increment 10 minvalue 5 maxvalue 500 start 20 cache 3 cycle;
      alter sequence shop.numbers increment 2 owned by shop.orders.amount`,
    ],
    [
      'grants',
      `
      revoke select on shop.totals from reader; grant usage on schema shop to reader;
      grant select, update on shop.orders to reader with grant option; grant usage on sequence shop.numbers to "odd-Writer";
      revoke usage on type shop.mood from public; grant insert (email, price) on shop.customers to reader`,
    ],
    [
      'partitions',
      `
      create table shop.logs_2 partition of shop.logs for values from ('2030-02-01') to ('2030-03-01') partition by list (id);
      create table shop.logs_2_a partition of shop.logs_2 for values in (1);
      create table shop.logs_rest partition of shop.logs default;
      alter table shop.logs add primary key (id, at); create index on shop.logs (note);
      alter table shop.logs add column level int default 3`,
    ],
    ['a partition that is detached', 'alter table shop.logs detach partition shop.logs_1'],
    [
      'a table that becomes a partition',
      `
      create table shop.logs_3 (like shop.logs); alter table shop.logs attach partition shop.logs_3 for values from ('2030-03-01') to ('2030-04-01')`,
    ],
    [
      'a new partitioned table with keys',
      `
      create table shop.events (id int, at date, customer bigint references shop.customers, primary key (id, at)) partition by range (at);
      create table shop.a_event partition of shop.events for values from ('2030-01-01') to ('2030-02-01')`,
    ],
    ['extensions', 'create extension pg_stat_statements with schema shop'],
    [
      'schemas',
      'create schema "Odd schema"; create table "Odd schema"."Odd table" ("Odd id" int primary key)',
    ],
    [
      'domains and composite types',
      `
      create domain shop.email as text default 'x' not null check (value <> '');
      create type shop.point as (x int, y numeric(4, 2)); create table shop.places (at shop.point, mail shop.email);
      create table shop.counts (n shop.positive)`,
    ],
    [
      'inheritance',
      `
      create table shop.vip (level int) inherits (shop.customers); create table shop.seen (at_door int);
      create table shop.vips (since date) inherits (shop.vip, shop.seen)`,
    ],
    [
      'unlogged tables',
      'alter table shop.orders set unlogged; create unlogged table shop.scratch (n int)',
    ],
    [
      'rules and statistics',
      `
      create rule quiet as on delete to shop.big_totals do instead nothing;
      create statistics shop.by_day (dependencies) on customer_id, amount from shop.orders`,
    ],
    [
      'row security that is forced',
      'alter table shop.orders enable row level security, force row level security',
    ],
    [
      'owners',
      'alter table shop.orders owner to reader; create table shop.owned (n int); alter table shop.owned owner to reader',
    ],
    [
      'comments',
      `comment on schema shop is 'a shop'; comment on function shop.twice is 'doubles'; comment on index shop.orders_at is 'by day'`,
    ],
  ]

  // All of them in one version, and some in each.
  const tried =
    binDirectory === installations.at(-1) ? kinds : kinds.filter((_, at) => at % 6 === 0)

  test.each(tried)('carries over %s', async (_, sql, since = 0) => {
    if (version < since) return
    const merged = await merge(sql).catch((error: AdvisedError) => ({
      left: [error.message, error.advice],
    }))
    expect(merged).toMatchObject({ conflicts: [], remaining: [], left: [] })
  })

  test('names what it cannot derive, with both definitions', async () => {
    const { remaining } = await merge(`
      create aggregate shop.product (numeric) (sfunc = numeric_mul, stype = numeric);
      create publication news for table shop.orders;
      alter default privileges in schema shop grant select on tables to reader;
      create collation shop.german (provider = libc, locale = 'C');
      create cast (shop.mood as int) with inout;
      create type shop.span as range (subtype = time);
      alter table shop.orders replica identity full;
      alter table shop.customers alter email set storage external;
      alter domain shop.positive set default 3;
      create foreign data wrapper other; create server far foreign data wrapper other;
      create foreign table shop.far (n int) server far`)
    expect(remaining.map(({ object }) => object).toSorted()).toEqual([
      'aggregate shop.product(numeric)',
      'cast shop.mood as integer',
      'collation shop.german',
      'column setting shop.customers.email',
      'default privileges postgres in shop on r',
      'domain shop.positive',
      'foreign server far',
      'foreign table shop.far',
      'publication news',
      'range type shop.span',
      'replica identity shop.orders',
    ])
    expect(remaining.find(({ object }) => object === 'domain shop.positive')).toMatchObject({
      is: expect.not.stringContaining('default'),
      should_be: expect.stringContaining('default 3'),
    })
  })

  test('leaves what only the parent changed, and does nothing where both did the same', async () => {
    const same =
      'alter table shop.orders add column note text; create index by_note on shop.orders (note)'
    const merged = await merge(
      `${same}; alter table shop.customers add column a int`,
      `${same}; alter table shop.customers add column b int; create view shop.new as select * from shop.customers;
       create table shop.own (n int)`,
    )
    expect(merged).toMatchObject({
      conflicts: [],
      left: [],
      statements: ['alter table "shop"."customers" add column "a" integer'],
    })
  })

  test('says which statement does not fit what the parent has become', async () => {
    const merging = merge(
      'create view shop.births as select born from shop.customers',
      'alter table shop.customers drop column born',
    )
    await expect(merging).rejects.toMatchObject({
      advice: expect.stringMatching(/column .*born.* does not exist[^]*create or replace view/),
    })
  })
})

import createSql from 'postgres'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

import {
  findInstallations,
  startThrowawayPostgres,
  type ThrowawayPostgres,
} from '../../testing/throwaway-postgres.ts'
import { HiddenEffects, hiddenEffectsQuery } from './hidden-effects.ts'
import { hintsOf } from './session-hints.ts'
import { inspectionQuery, readInspection, type SessionState } from './session-inspection.ts'
import { transition } from './session-variables.ts'
import { readScript, type Token } from './sql-tokens.ts'

const role = 'App User'

/** One session of an ordinary user. */
interface Session {
  /** Runs statements; resolves with the first column of the last one's last row. */
  run(sql: string): Promise<string>
  inspect(...customSettings: string[]): Promise<SessionState>
  end(): Promise<void>
}

describe.each(await findInstallations())('a session of PostgreSQL $version', (installation) => {
  let postgres: ThrowawayPostgres
  const sessions: Session[] = []

  beforeAll(async () => {
    postgres = await startThrowawayPostgres(installation)
    await postgres.sql(`create role "${role}" login password 'x'`)
    await postgres.sql('create role weak')
    await postgres.sql(`grant weak to "${role}"`)
    await postgres.sql(`grant all on database postgres to "${role}"`)
    await postgres.sql(`grant all on schema public to "${role}"`)
    await postgres.sql('create database plain')
  })
  afterAll(async () => postgres?.stop())
  afterEach(async () => {
    await Promise.all(sessions.splice(0).map(async (session) => session.end()))
  })

  function open(user = role, database = 'postgres'): Session {
    const { socketPath: path } = postgres
    const sql = createSql({ path, user, database, pass: 'x', max: 1, onnotice: () => undefined })
    const run = async (text: string) => {
      const results = await sql.unsafe(text).simple()
      return String(Object.values(lastRow(results) ?? {})[0])
    }
    const session: Session = {
      run,
      inspect: async (...names) => readInspection(await run(inspectionQuery(names))),
      end: async () => sql.end({ timeout: 5 }),
    }
    sessions.push(session)
    return session
  }

  test('holds nothing at first', async () => {
    const session = open()
    const nothing = { settings: new Map(), pins: [] }
    expect(await session.inspect()).toMatchObject(nothing)
    expect(await session.inspect('app.tenant', 'app.other')).toMatchObject(nothing)
    await session.run("begin; set local work_mem = '1MB'; set transaction read only; commit")
    expect(await session.inspect()).toMatchObject(nothing)
  })

  test.each([
    ['listen "Jobs; 1"', 'LISTEN on channel Jobs; 1', 'unlisten "Jobs; 1"'],
    ['listen a; listen b', 'LISTEN on channel a', 'unlisten *'],
    ['create temp table t (a int)', 'temporary table t', 'drop table t'],
    ['create temp table t as select 1; analyze t', 'temporary table t', 'discard temp'],
    ['create temp view v as select 1', 'temporary view v', 'drop view v'],
    ['create temp sequence s', 'temporary sequence s', 'drop sequence s'],
    ["create type pg_temp.e as enum ('a')", 'temporary type e', 'drop type pg_temp.e'],
    [
      'create function pg_temp.f() returns int language sql as $$ select 1 $$',
      'temporary function pg_temp',
      'drop function pg_temp.f()',
    ],
    ['select pg_advisory_lock(7)', 'session advisory lock', 'select pg_advisory_unlock(7)'],
    [
      'select pg_advisory_lock_shared(1, 2)',
      'session advisory lock',
      'select pg_advisory_unlock_all()',
    ],
    ['declare "C" cursor with hold for select 1', 'WITH HOLD cursor C', 'close "C"'],
    ['prepare p1 as select 1', 'prepared statement (SQL) p1', 'deallocate p1'],
  ])('is pinned by %j until it is ended', async (make, pin, end) => {
    const session = open()
    await session.run(make)
    expect((await session.inspect()).pins.join()).toContain(pin)
    await session.run(end)
    expect((await session.inspect()).pins).toEqual([])
  })

  test('is not pinned by what ends with its transaction', async () => {
    const session = open()
    await session.run(`begin; select pg_advisory_xact_lock(1); declare c cursor for select 1;
      create temp table t (a int) on commit drop; commit`)
    expect((await session.inspect()).pins).toEqual([])
  })

  test('is pinned by another session user, and by no other session', async () => {
    const [one, other] = [open('postgres'), open('postgres')]
    await one.run(`listen a; create temp table t (a int); select pg_advisory_lock(1)`)
    expect((await other.inspect()).pins).toEqual([])
    await other.run('set session authorization weak')
    expect((await other.inspect()).pins).toEqual(['SET SESSION AUTHORIZATION'])
    await other.run('reset session authorization')
    expect((await other.inspect()).pins).toEqual([])
  })

  test.each([
    ['work_mem', "set work_mem = '12MB'"],
    ['search_path', `set search_path = "A b", 'c"d', "$user", "é"`],
    ['datestyle', "set datestyle = 'German, YMD'"],
    ['intervalstyle', 'set intervalstyle = iso_8601'],
    ['statement_timeout', "set statement_timeout = '90s'"],
    ['timezone', "set timezone = 'Europe/Berlin'"],
    ['timezone', "set time zone interval '-08:30' hour to minute"],
    ['default_transaction_read_only', 'set session characteristics as transaction read only'],
    ['application_name', `set application_name = 'it''s \\ "x"'`],
    ['client_encoding', 'set client_encoding = latin1'],
    ['standard_conforming_strings', 'set standard_conforming_strings = off'],
    ['extra_float_digits', 'set extra_float_digits = 3'],
    ['geqo_threshold', "update pg_settings set setting = '20' where name = 'geqo_threshold'"],
    ['bytea_output', "select set_config('bytea_output', 'escape', false)"],
    ['vacuum_cost_delay', "set vacuum_cost_delay = '1500us'"],
    ['app.tenant', `set app.tenant = 'é "\\ '' 🌲'`],
    ['app.tenant', "set app.tenant = ''"],
    ['App.Tenant', 'set "App".Tenant = 1'],
    ['role', 'set role weak'],
  ])('gives its %s to another: %s', async (name, make) => {
    const [one, other] = [open(), open()]
    const ask = `select current_setting('${name}', true)`
    const names = name.includes('.') ? [name.toLowerCase()] : []
    const before = await other.run(ask)
    await one.run(make)
    const { settings } = await one.inspect(...names)
    expect([...settings.keys()]).toEqual([name.toLowerCase()])

    await other.run(transition(new Map(), settings) ?? '')
    expect(await other.run(ask)).toBe(await one.run(ask))
    expect((await other.inspect(...names)).settings).toEqual(settings)

    await other.run(transition(settings, new Map()) ?? '')
    // PostgreSQL forgets a value of what it has no definition of, and not the name.
    expect(await other.run(ask)).toBe(name.includes('.') ? '' : before)
    expect((await other.inspect()).settings).toEqual(new Map())
  })

  test('takes several settings at once, or none', async () => {
    const session = open()
    const wanted = new Map([
      ['role', 'weak'],
      ['client_encoding', 'LATIN1'],
      ['app.x', 'not latin1: ж'],
    ])
    await session.run(transition(new Map(), wanted) ?? '')
    const { settings } = await session.inspect('app.x')
    expect(settings).toEqual(wanted)

    const wrong = new Map([['work_mem', 'much']])
    await expect(session.run(transition(settings, wrong) ?? '')).rejects.toThrow('work_mem')
    expect((await session.inspect('app.x')).settings).toEqual(wanted)

    const changed = new Map([...wanted, ['work_mem', '4321'], ['role', role]])
    await session.run(transition(wanted, changed) ?? '')
    expect((await session.inspect('app.x')).settings).toEqual(changed)
  })

  test('has a defined setting once, also where it was named as one without definition', async () => {
    const session = open()
    await session.run("do 'begin end'; set plpgsql.extra_warnings to shadowed_variables")
    const name = 'plpgsql.extra_warnings'
    expect((await session.inspect(name)).settings).toEqual(new Map([[name, 'shadowed_variables']]))
    await session.run('reset plpgsql.extra_warnings')
    expect((await session.inspect(name)).settings).toEqual(new Map())
  })

  test('reads the names of settings as PostgreSQL does', async () => {
    const session = open()
    const texts = [
      'set local.x = 1',
      'set session.x = 1',
      'set session app."X".y = 1',
      `select "set_config"('a.b'::text, '1', 'f')`,
      "do $$ begin if true then set c.d = 1; end if; execute 'set e.f = 1'; end $$",
      "select query_to_xml('select set_config(''g.h'', ''1'', false)', true, true, '')",
    ]
    const names = texts.flatMap((text) => hintsOf(text)?.customSettings ?? [])
    await session.run(texts.join(';'))
    const { settings } = await session.inspect(...names)
    const expected = ['a.b', 'app.x.y', 'c.d', 'e.f', 'g.h', 'local.x', 'session.x']
    expect([...settings.keys()].toSorted()).toEqual(expected)
  })

  test('is read for what it is behind objects that take the place of PostgreSQL', async () => {
    await postgres.sql(`create schema evil authorization "${role}"`)
    const session = open()
    await session.run(shadows)
    const path = 'evil, pg_catalog'
    await session.run(`set search_path = ${path}; create temp view pg_class as select 1 as oid`)
    // They are found first.
    await expect(session.run('select lower(current_user)')).rejects.toThrow('shadowed')
    await expect(session.run("select 'a'::name = 'a'::name")).rejects.toThrow('shadowed')
    const { settings, pins } = await session.inspect('app.x')
    expect(settings).toEqual(new Map([['search_path', path]]))
    expect(pins).toEqual(['temporary view pg_class'])
    expect(HiddenEffects.parse(await session.run(hiddenEffectsQuery))).toBeInstanceOf(HiddenEffects)
    await session.run(`reset search_path; drop schema evil cascade`)
  })

  describe('with functions that change it unseen', () => {
    let effects: HiddenEffects

    beforeAll(async () => {
      for (const statement of functions) await postgres.sql(statement)
      const session = open('postgres')
      await session.run('set standard_conforming_strings = off; set client_encoding = latin1')
      effects = HiddenEffects.parse(await session.run(hiddenEffectsQuery))
    })

    test.each([
      ['select set_tenant($1)', ['app.tenant']],
      ['SELECT "public".Set_Tenant (1)', ['app.tenant']],
      ['select calls_it()', ['app.tenant']],
      ['select calls_it_atomically()', ['app.tenant']],
      ['select * from tenants', ['app.tenant']],
      ['select * from more_tenants', ['app.tenant']],
      ['call "Ünder score"(\'x\')', ['app.other']],
      ["select run('set app.given = 1')", ['app.given']],
      ["select calls_odd(), 'x'", ['app.odd']],
      ['select locks()', []],
      ['select makes_temp()', []],
    ])('suspects %s', (sql, customSettings) => {
      expect(effects.hintsOf(sql)).toMatchObject({ customSettings, hasUnknownSetting: false })
      const asRead = Buffer.from(sql).toString('latin1')
      expect(effects.hintsOf(asRead)).toMatchObject({ customSettings })
    })

    test.each([
      ['create view v as select set_config($$app.x$$, $$1$$, false)', 'select * from v'],
      [
        'create view inner_v as select pg_try_advisory_lock(1) as a; create view v as select a from inner_v',
        'table v',
      ],
      [
        'create view v as select name, setting from pg_settings',
        "update v set setting = '1' where name = 'work_mem'",
      ],
      [
        'create view v as select 1 as a; create rule r as on insert to v do instead select ts_stat(new.a::text)',
        'insert into v values (1)',
      ],
      [
        'create aggregate v(text, boolean) (sfunc = set_config, stype = text)',
        "select v('x', false)",
      ],
      [
        'create domain v as int check (set_config($$a.x$$, $$1$$, false) <> value::text)',
        'select 1',
      ],
      ['create domain v as int check (set_tenant(value) <> $$$$)', 'select 1'],
      ['create operator @@@@ (rightarg = text, function = ts_stat)', 'select 1'],
      [
        'create table v (a text default set_config($$a.x$$, $$1$$, false))',
        'insert into v default values',
      ],
      ['create table v (a int check (pg_try_advisory_lock(a)))', 'copy v from stdin'],
      [
        'alter table t add constraint v check (pg_try_advisory_lock(a))',
        'insert into t values (1)',
      ],
      [
        'alter table t add constraint v check (pg_try_advisory_lock(a)) not valid',
        'alter table t validate constraint v',
      ],
      ['create index v on t ((set_tenant_at(a)))', 'reindex table t'],
    ])('suspects what calls it unseen: %s', async (make, sql) => {
      const admin = open('postgres')
      await admin.run(`begin; ${make}`)
      const unseen = HiddenEffects.parse(await admin.run(hiddenEffectsQuery))
      await admin.run('rollback')
      expect(unseen.hintsOf(sql)).toBeDefined()
      expect(unseen.hintsOf('select * from t')).toEqual(
        sql === 'select 1' ? unseen.hintsOf(sql) : undefined,
      )
    })

    test('knows which names are not told', () => {
      expect(effects.hintsOf('select set_any($1, $2)')?.hasUnknownSetting).toBe(true)
    })

    test.each([
      'select counts($1)',
      "select * from more_counts, 'x'",
      'select run($1)',
      'select updates_dynamically()',
    ])('knows that nobody has read what %s runs', (sql) => {
      expect(effects.hintsOf(sql)).toMatchObject({ isUnread: true, hasUnknownSetting: false })
    })

    test('looks for names at the beginning of a long text', () => {
      const text = `select set_tenant(1), '${'x'.repeat(40_000)}', set_any($1, $2)`
      expect(effects.hintsOf(text)).toMatchObject({
        customSettings: ['app.tenant'],
        hasUnknownSetting: false,
        isUnread: true,
      })
    })

    test.each([
      'select 1',
      'select set_tenant_id from reset_tenant',
      'select sets_locally()',
      'select own_search_path()',
      'insert into t values (1)',
    ])('suspects nothing of %s', (sql) => {
      expect(effects.hintsOf(sql)).toBeUndefined()
    })

    test('suspects every write where a trigger does it, and who writes', async () => {
      const admin = open('postgres')
      await admin.run('create trigger on_write before insert on t execute function stamps()')
      const triggered = HiddenEffects.parse(await admin.run(hiddenEffectsQuery))
      for (const sql of ['insert into t values (1)', 'COPY t FROM STDIN', 'select writes()']) {
        expect(triggered.hintsOf(sql)).toMatchObject({ customSettings: ['app.stamped'] })
      }
      expect(triggered.hintsOf('select * from t')).toBeUndefined()
      await admin.run('drop trigger on_write on t')
    })

    test('suspects everything where a policy or an operator does it', async () => {
      const admin = open('postgres')
      await admin.run('create policy p on t using (set_tenant(1) is not null)')
      const guarded = HiddenEffects.parse(await admin.run(hiddenEffectsQuery))
      expect(guarded.hintsOf('select 1')).toMatchObject({ customSettings: ['app.tenant'] })
      await admin.run('drop policy p on t')
    })
  })

  test('finds no effects where users have made no functions', async () => {
    const session = open('postgres', 'plain')
    const effects = HiddenEffects.parse(await session.run(hiddenEffectsQuery))
    expect(effects.hintsOf('select f(1); insert into t values (1)')).toBeUndefined()
  })
})

test.each([
  ['an inspection', inspectionQuery(['app.x'])],
  ['the search for effects', hiddenEffectsQuery],
])('names every function and operator in %s with its schema', (_, sql) => {
  const tokens = readScript(sql).statements.at(-1) ?? []
  expect(tokens.filter((token, at) => isUnqualified(token, at, tokens)).map(textOf)).toEqual([])
})

/** Syntax that may stand before a parenthesis. */
const syntax = new Set(
  'operator all any array exists then where as and from lateral coalesce found materialized join'.split(
    ' ',
  ),
)

function isUnqualified({ kind, text }: Token, at: number, tokens: readonly Token[]): boolean {
  const [before, after] = [tokens[at - 1]?.text, tokens[at + 1]?.text]
  const isStar = text === '*' && (before === 'select' || before === '(')
  if (kind === 'symbol') return /[=<>~!|+*/%-]/.test(text) && !isStar && !isInOperator(at, tokens)
  return kind === 'word' && after === '(' && before !== '.' && !syntax.has(text)
}

function isInOperator(at: number, tokens: readonly Token[]): boolean {
  const start = tokens.slice(Math.max(0, at - 5), at).map(textOf)
  return start.join('').includes('operator(pg_catalog.')
}

function textOf({ text }: Token): string {
  return text
}

const functions = [
  'create table t (a int)',
  'create table reset_tenant (set_tenant_id int)',
  "create function set_tenant(a int) returns text language plpgsql as $$ begin return set_config('app.tenant', a::text, false); end $$",
  'create function calls_it() returns text language sql as $$ select Set_Tenant(1) $$',
  'create function calls_it_atomically() returns text begin atomic; select set_tenant(2); end',
  'create view tenants as select set_tenant(1)',
  'create view more_tenants as select * from tenants',
  `create procedure "Ünder score"(a text) language plpgsql as $$ begin set app.other = 1; end $$`,
  `create function "odd [(name+" () returns void language plpgsql as $$ begin set app.odd = 1; end $$`,
  'create function calls_odd() returns void language sql as $$ select public."odd [(name+" () $$',
  "create function set_tenant_at(a int) returns text immutable language plpgsql as $$ begin return set_config('app.tenant', 'x', false); end $$",
  'create function run(q text) returns void language plpgsql as $$ begin execute q; end $$',
  'create function locks() returns void language sql as $$ select pg_advisory_lock(1) $$',
  'create function makes_temp() returns void language plpgsql as $$ begin if true then create temp table x (a int); end if; end $$',
  'create function set_any(n text, v text) returns text language sql as $$ select set_config(n, v, false) $$',
  "create function sets_locally() returns text language plpgsql as $$ begin set local app.x = 1; create temp table x (a int) on commit drop; return set_config('app.y', '1', true); end $$",
  "create function updates_dynamically() returns void language plpgsql as $$ begin execute format('update t set %I = 1', 'a'); update t\nset a = 1; end $$",
  'create function own_search_path() returns int language sql set search_path = pg_temp as $$ select 1 $$',
  'create function counts(q text) returns bigint language sql as $$ select count(*) from ts_stat(q) $$',
  "create view more_counts as select counts('select a from b')",
  "create function stamps() returns trigger language plpgsql as $$ begin perform set_config('app.stamped', '1', false); return new; end $$",
  'create function writes() returns void language sql as $$ insert into t values (1) $$',
]

/** Operators, functions, types and tables with the names of those that are used, all of which fail. */
const shadows = `
  create function evil.fail() returns text language plpgsql as $$ begin raise exception 'shadowed'; end $$;
  ${['lower(text)', 'encode(bytea, text)', 'convert_to(text, name)', 'current_setting(text)']
    .concat(['current_setting(text, boolean)', 'strpos(text, text)', 'pg_my_temp_schema()'])
    .concat([
      'pg_backend_pid()',
      'pg_listening_channels()',
      'pg_get_userbyid(oid)',
      '"left"(text, int)',
    ])
    .map((name) => `create function evil.${name} returns text language sql return evil.fail();`)
    .join('\n')}
  ${['text', 'name', 'oid', '"char"', 'int', 'bigint', 'boolean']
    .flatMap((type) => ['=', '<>', '>', '~'].map((operator) => [type, operator] as const))
    .map(
      ([type, operator], at) => `
        create function evil.o${at}(${type}, ${type}) returns boolean language sql return evil.fail() is null;
        create operator evil.${operator} (leftarg = ${type}, rightarg = ${type}, function = evil.o${at});`,
    )
    .join('\n')}
  ${['text', 'oid', 'regclass', 'regnamespace']
    .map((name) => `create domain evil.${name} as pg_catalog.int4 check (false);`)
    .join('\n')}
  ${['pg_settings', 'pg_locks', 'pg_depend', 'pg_cursors', 'pg_proc', 'pg_language', 'pg_rewrite']
    .map((name) => `create table evil.${name} ();`)
    .join('\n')}`

/** The last row of the last result that has one. */
function lastRow(results: unknown): Record<string, unknown> | undefined {
  const rows = [results].flat(2)
  return rows.findLast(
    (row): row is Record<string, unknown> => typeof row === 'object' && row !== null,
  )
}

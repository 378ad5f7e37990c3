import fc from 'fast-check'
import { expect, test } from 'vitest'

import { hintsOf, hintsOfBody, mergeHints, refusalOf } from './session-hints.ts'

test.each([
  'select 1',
  'begin',
  'commit',
  "update t set a = 1 where b = 'set x'",
  'update t\nset a = 1,\n    b = 2',
  'insert into t values (1) on conflict (id)\ndo update set a = excluded.a',
  'insert  into t select 1',
  'merge into t using s on true when matched then do nothing',
  'select temp, hold, load, listen from sensors where setting = $1',
  'select pg_advisory_xact_lock(1), pg_try_advisory_xact_lock_shared(2)',
  'set local app.tenant = $1',
  "begin; SET LOCAL work_mem = '1MB'; set transaction read only; SET CONSTRAINTS ALL DEFERRED",
  "select set_config('app.tenant', $1, true)",
  "select pg_catalog.set_config('a.b', coalesce((select f(1, 2)), 'x'), 't'::bool)",
  "insert into notes values ('first line\nset the table; listen to me\ndo it')",
  "/* controller='x' */ select 1 -- set a.b = 1",
  "select 'a' /*\nset x = 1 */",
  'prepare transaction $$x$$',
  'create temp table t (a int) on commit drop',
  'declare c cursor without hold for select 1',
  'select set_config from t',
  'explain analyze select 1',
  'copy t from stdin',
  'savepoint a; release a',
])('suspects nothing of %j', (sql) => {
  expect(hintsOf(sql)).toBeUndefined()
})

test.each([
  ['set work_mem = 1', []],
  ['SET SESSION App.Tenant TO x', ['app.tenant']],
  ['/* c */ set\n"app" . "X" = 1', ['app.x']],
  ['-- c\r\tset a.b.c = 1', ['a.b.c']],
  ['select 1;set a.b = 1; reset c.d', ['a.b', 'c.d']],
  ['set session.x = 1', ['session.x']],
  ['set local.x = 1', ['local.x']],
  ['reset all', []],
  ['discard all', []],
  ['set role admin', []],
  ['set time zone 0', []],
  ['set session characteristics as transaction read only', []],
  ["select set_config('app.a', $1, false), set_config('app.b', 'x', true)", ['app.a']],
  ["select \"set_config\" ('App.A'::text, f(',)'), not true)", ['app.a']],
  ['select set_config($$a.b$$, $1, $2)', ['a.b']],
  ["select set_config('role', 'x', false)", []],
  ["update pg_settings set setting = 'x' where name = 'work_mem'", []],
  ["do $$ begin perform set_config('a.b', 'x', false); set c.d = 1; end $$", ['a.b', 'c.d']],
  ['do $$ begin if x then set a.b = 1; else reset c.d; end if; end $$', ['a.b', 'c.d']],
  ["do 'begin execute ''set a.b = 1''; end'", ['a.b']],
  ["do $$ begin execute 'set a.b = 1' using x; end $$ language plpgsql", ['a.b']],
  ["call p('x')", []],
  ['create table t (a int)', []],
  ['create table t as select 1', []],
  ['explain analyze create table t as select 1', []],
  ['select 1 into t', []],
  ['with x as (select 1) select * into t from x', []],
])('suspects %j of changing settings %j', (sql, customSettings) => {
  expect(hintsOf(sql)).toEqual({
    customSettings,
    hasUnknownSetting: false,
    pins: [],
    isLoad: false,
  })
})

test.each([
  ['listen news', 'LISTEN'],
  ['begin; LISTEN "a b"', 'LISTEN'],
  ['create temp table t (a int)', 'temporary object'],
  ['CREATE OR REPLACE LOCAL TEMPORARY VIEW v AS SELECT 1', 'temporary object'],
  ['create temp table t (a int) on commit delete rows', 'temporary object'],
  ['select 1 as a into temp t', 'temporary object'],
  ['select 1 as a into local temporary table t', 'temporary object'],
  ['explain (analyze) create temp table t as select 1', 'temporary object'],
  ['select pg_advisory_lock(1)', 'session advisory lock'],
  ['select pg_catalog."pg_try_advisory_lock_shared" (1, 2)', 'session advisory lock'],
  ['with l as (select pg_try_advisory_lock(1)) select from l', 'session advisory lock'],
  ['declare c scroll cursor with hold for select 1', 'WITH HOLD cursor'],
  ['prepare p as select 1', 'prepared statement'],
  ["load 'auto_explain'", 'LOAD'],
])('sees that %j pins, and refuses it', (sql, kind) => {
  expect(hintsOf(sql)).toMatchObject({ pins: [kind], isLoad: kind === 'LOAD' })
  expect(hintsOf(sql)).not.toHaveProperty('onlyEnds')
  expect(refusalOf(sql)?.kind).toBe(kind)
})

test.each([
  'set work_mem = 1',
  "select 'x; listen a', $$; load 'x'$$ -- ; prepare p as",
  'create temp table t (a int) on commit drop',
  'create table temp (hold int)',
  'create table t as select temp from s',
  'create view v as select "temp", temporary from s',
  'insert into temp values (1)',
  'prepare transaction $$x$$',
  'do $$ begin listen a; end $$',
  'select listen from a;\nselect\n  listen',
  "insert into log values ('select pg_advisory_lock(1)')",
  'select pg_advisory_unlock(1)',
  'deallocate p',
  'unlisten *',
])('does not refuse %j', (sql) => {
  expect(refusalOf(sql)).toBeUndefined()
})

test('says what to do instead', () => {
  expect(refusalOf('listen a')?.message).toBe(
    'LISTEN cannot be used through this pooler, which gives a session to a client for one transaction only (session_state = refuse): use a direct connection, whose host name has no "-pooler"',
  )
})

test.each([
  'unlisten a',
  'drop table t',
  'deallocate p',
  'close c',
  'select pg_advisory_unlock(1)',
])('knows that %j can only have ended something', (sql) => {
  expect(hintsOf(sql)?.onlyEnds).toBe(true)
  expect(hintsOf(`${sql}; set a = 1`)?.onlyEnds).toBeUndefined()
})

test.each([
  'select set_config($1, $2, false)',
  "select set_config('app.' || $1, $2, false)",
  "select set_config(E'app\\x2ex', $1, false)",
  'select U&"set\\005fconfig"($1, $2, false)',
  'set é.x = 1',
  "do $$ begin execute 'set ' || name || ' = 1'; end $$",
  "do $$ begin execute format('set app.%s = 1', name); end $$",
  "do $$ begin perform set_config(name, 'x', false); end $$",
  "select '\\'; select set_config('x', 'y', false) --'",
])('knows that the names in %j are unknown', (sql) => {
  expect(hintsOf(sql)?.hasUnknownSetting).toBe(true)
})

test.each([
  ['select word from ts_stat($1)', []],
  ['SELECT "ts_rewrite"(q, $1) from queries', []],
  ["select query_to_xml('select set_config(''a.b'', ''1'', false)', true, true, '')", ['a.b']],
  ["select pg_catalog.table_to_xmlschema($1::regclass, true, true, '')", []],
  ["select * from crosstab3('select a, b, c from t')", []],
  ["select * from connectby('t', 'a', 'b', '1', 0) as t(a int, b int, level int)", []],
  [`set a.b = 1; select '${'x'.repeat(40_000)}'; set c.d = 1`, ['a.b']],
])('knows that it has not read all that %j runs', (sql, customSettings) => {
  const hints = { customSettings, hasUnknownSetting: false, isUnread: true, pins: [] }
  expect(hintsOf(sql)).toMatchObject(hints)
  expect(hintsOfBody(`begin perform 1; ${sql}; end`)?.isUnread ?? sql.length > 1000).toBe(true)
  expect(refusalOf(sql)).toBeUndefined()
})

test.each([
  "do $$ begin execute format('set a.b = %L', x); end $$ language plpgsql",
  "do $$ declare s text := 'se' || 't a.b = 1'; begin execute s; end $$",
  "do $$ begin execute 'se' || 't a.b = 1'; end $$",
  "do $$ begin execute E'se\\x74 a.b = 1'; end $$",
  'do $$ begin open c for execute x.q; end $$',
  'do $$ begin execute "Q"; end $$',
  "do E'begin exec\\x75te s; end'",
  'do language plperl $$ spi_exec_query($x) $$',
  "do language 'plperl' $$ spi_exec_query($x) $$",
  'deallocate "coppice_a1_2"',
])('knows that it cannot read what %j runs', (sql) => {
  expect(hintsOf(sql)?.isUnread).toBe(true)
})

test('does not suspect a long text for its length', () => {
  expect(hintsOf(`insert into t values ('${'x'.repeat(100_000)}')`)).toBeUndefined()
})

test('trusts no literal that can be read in two ways', () => {
  const sql = "select 1\n;select '\\', '; set a.b = 1; select '"
  expect(hintsOf(sql)).toMatchObject({ customSettings: ['a.b'] })
})

test('takes many names for unknown ones', () => {
  const sql = Array.from({ length: 60 }, (_, at) => `set a.x${at} = 1`).join(';')
  expect(hintsOf(sql)?.customSettings).toHaveLength(50)
  expect(hintsOf(sql)?.hasUnknownSetting).toBe(true)
})

test.each([
  ['begin select a into b from t; update t\nset a = 1; insert into t values (1); end'],
  ["begin perform set_config('a.b', x, true); set local c.d = 1; end"],
  [
    "begin execute 'update ' || t || ' set ' || c || ' = 1'; execute format('update t set %I = 1', c); end",
  ],
  ['begin create temp table t (a int) on commit drop; create table p partition of t; end'],
  ['begin insert into t values (1) on conflict do nothing; perform pg_advisory_xact_lock(1); end'],
])('finds nothing in the body %j', (body) => {
  const hints = hintsOfBody(body)
  expect(hints?.hasUnknownSetting ?? false).toBe(false)
  expect(hints === undefined || body.includes("' set '")).toBe(true)
})

test('adds hints up', () => {
  const ends = hintsOf('unlisten a')
  expect(mergeHints(undefined, undefined)).toBeUndefined()
  expect(mergeHints(ends, undefined)).toBe(ends)
  expect(mergeHints(ends, ends)?.onlyEnds).toBe(true)
  expect(mergeHints(ends, hintsOf('set a.b = 1; listen x'))).toEqual({
    customSettings: ['a.b'],
    hasUnknownSetting: false,
    pins: ['LISTEN'],
    isLoad: false,
  })
})

const edges = ["'", '"', '$$', '$a$', '--', '\n', '/*', '*/', ';', '\\', "E'", 'U&"', '(', ')', ',']
const words = [
  'set ',
  'set_config(',
  'do ',
  'temp ',
  'into ',
  'execute ',
  'é',
  '\0',
  '.',
  'create ',
]
const pieces = fc.constantFrom(...edges, ...words)
const sqlText = fc.array(fc.oneof(pieces, fc.string({ maxLength: 4 }))).map((all) => all.join(''))
const blanks = fc.constantFrom('', ' ', '\n\t', '/* x; */', '-- y\n', '/* /* */ */ \r')
const complete = fc.constantFrom(
  '',
  'select 1;',
  "select 'a;b';",
  'select $$ ; $$;',
  '/* c */',
  '-- d\n',
)

test('answers any text', () => {
  fc.assert(
    fc.property(sqlText, (sql) => {
      hintsOf(sql)
      refusalOf(sql)
      expect(hintsOfBody(sql)?.customSettings.every((name) => name.includes('.')) ?? true).toBe(
        true,
      )
    }),
  )
})

test('finds a setting behind whatever comes before it', () => {
  fc.assert(
    fc.property(fc.array(complete), blanks, fc.array(sqlText), (before, blank, after) => {
      const sql = `${before.join('')}${blank}set${blank || ' '}a.b = 1;${after.join('')}`
      expect(hintsOf(sql)?.customSettings).toContain('a.b')
    }),
  )
})

test.each([
  ["'", '\\'],
  ['\n', ' '],
  [';', '\t'],
  ['(', 'set_config('],
  ['then ', 'pg_settings '],
  ['$a', '$$'],
  ['/*', '*/'],
])('reads a long text of %j and %j in a time that grows with its length', (one, other) => {
  // Were the time its square, this would take minutes.
  const text = (piece: string) => piece.repeat(250_000 / piece.length)
  for (const sql of [text(one), text(one) + text(other), text(one + other)]) {
    hintsOf(`;set ${sql}`)
    expect(refusalOf(sql)).toBeUndefined()
    hintsOf(`do $x$${sql}$x$`)
  }
})

import { expect, test } from 'vitest'

import { parseStatements } from './statements.ts'

const parse = async (sql: string, firstLine = 1) =>
  parseStatements({ name: 'a.sql', sql, firstLine })

test('statements are parted where PostgreSQL parts them, with the line of each', async () => {
  const sql = `-- one; two
/* a /* nested; */ comment */ create function f() returns int language plpgsql as $body$
begin
  return 1; -- ; 'é
end $body$;

select 'it''s; €', "a;b", E'\\';' from t;--> statement-breakpoint
  create table "ü" (n int)`
  const statements = await parse(sql, 10)
  expect(statements.map(({ line, node }) => [line, node.kind])).toEqual([
    [11, 'CreateFunctionStmt'],
    [16, 'SelectStmt'],
    [17, 'CreateStmt'],
  ])
  expect(statements[0]?.text).toMatch(/^create function[^]*end \$body\$$/)
  expect(statements[1]?.text).toBe(`select 'it''s; €', "a;b", E'\\';' from t`)
  expect(statements[2]?.text).toBe('create table "ü" (n int)')
})

test.each(['', ' \n;', '-- nothing\n', '/* nothing /* at */ all */'])(
  'there are no statements in %j',
  async (sql) => {
    expect(await parse(sql)).toEqual([])
  },
)

test.each([
  ['select 1;\n\\i other.sql', 'a.sql:2: \\i is a command of psql', 'by itself'],
  ['\\set n 1\nselect :n', 'a.sql:1: \\set is a command of psql', 'Write the value'],
  ['\\restrict abc\nselect 1', 'a.sql:1: \\restrict is a command', 'Take the line out'],
  ['select 1;\ncopy t (a) from stdin;\n1\n\\.', 'a.sql:2: COPY between', 'INSERT'],
  ['copy t to stdout', 'a.sql:1: COPY between', 'INSERT'],
])('%j is refused with its line and what to do', async (sql, message, advice) => {
  await expect(parse(sql)).rejects.toMatchObject({
    message: expect.stringContaining(message),
    advice: expect.stringContaining(advice),
  })
})

test('a syntax error is told with its line, whatever characters stand before it', async () => {
  await expect(parse("select '😀é';\n\nselct 1", 5)).rejects.toThrow(
    'a.sql:7: syntax error at or near "selct"',
  )
})

test.each([
  ['create index concurrently i on t (a)', false],
  ['create index i on t (a)', true],
  ['drop index concurrently i', false],
  ['drop table t', true],
  ['reindex table concurrently t', false],
  ['reindex table t', true],
  ['reindex schema public', false],
  ['vacuum t', false],
  ['analyze t', true],
  ['alter table t detach partition p concurrently', false],
  ['alter table t detach partition p', true],
  ['refresh materialized view concurrently v', true],
  ['create database d', false],
  ["alter type e add value 'x'", true],
  ['cluster', false],
])('%s: whether a transaction takes it is %s', async (sql, transactional) => {
  expect(await parse(sql)).toMatchObject([{ transactional }])
})

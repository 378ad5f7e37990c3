import { expect, test } from 'vitest'

import { commandOf, isReading, splitStatements, statementAt } from './statements.ts'

const textsOf = (sql: string): string[] =>
  splitStatements(sql).map(({ from, to }) => sql.slice(from, to))

test('statements end at semicolons that are outside of strings, names, bodies, comments and brackets', () => {
  expect(
    textsOf(`select ';' as "a;b", E'\\';', $$;$$, $x$ $$;$$ $x$; -- one; two
      /* a; /* b; */ c; */ select 2 -- end;
      ; create rule r as on insert to t do also (select 1; select 2);;
      select 'it''s;'`),
  ).toEqual([
    `select ';' as "a;b", E'\\';', $$;$$, $x$ $$;$$ $x$`,
    'select 2',
    'create rule r as on insert to t do also (select 1; select 2)',
    `select 'it''s;'`,
  ])
})

test("a function's body in SQL is one statement with it", () => {
  const body = `create function f() returns int begin atomic
    select case when true then 1 else 2 end; select 3; end`
  expect(textsOf(`begin; ${body}; end`)).toEqual(['begin', body, 'end'])
})

test('what is not closed is taken to the end, and nothing is no statement', () => {
  expect(textsOf(`select 'a; select 2`)).toEqual([`select 'a; select 2`])
  expect(textsOf('select $$ a; b')).toEqual(['select $$ a; b'])
  expect(textsOf('select $1; select $2')).toEqual(['select $1', 'select $2'])
  expect(textsOf(' ; -- no\n;')).toEqual([])
})

test('the cursor is in a statement, behind its semicolon, or before the next', () => {
  const sql = 'select 1;\n\nselect 2; select 3;\n'
  const at = (cursor: number) => {
    const span = statementAt(sql, cursor)
    return span && sql.slice(span.from, span.to)
  }
  expect(at(3)).toBe('select 1')
  expect(at(9)).toBe('select 1')
  expect(at(10)).toBe('select 2')
  expect(at(sql.indexOf('select 3'))).toBe('select 3')
  expect(at(sql.length)).toBe('select 3')
  expect(statementAt('  -- nothing', 2)).toBeUndefined()
})

test('a statement that may write is known by its words', () => {
  const reading = [
    'select 1',
    'SELECT * FROM t FOR UPDATE',
    `select 'delete'`,
    'with a as (select 1) table a',
    'explain delete from t',
    '-- insert\nvalues (1)',
  ]
  const writing = [
    'delete from t',
    'select * into copy from t',
    'with gone as (delete from t returning 1) select * from gone',
    'explain analyze delete from t',
    'create table t ()',
    'call p()',
    '',
  ]
  expect(reading.filter((sql) => !isReading(sql))).toEqual([])
  expect(writing.filter(isReading)).toEqual([])
  expect(commandOf('/* x */ Insert into t')).toBe('insert')
})

import { expect, test } from 'vitest'

import { tokenize } from './sql-tokens.ts'

const kindsOf = (sql: string) =>
  tokenize(sql)
    .filter(({ kind }) => kind !== 'plain')
    .map(({ kind, text }) => `${kind} ${text}`)

test('words of SQL, strings, numbers and comments are told apart', () => {
  expect(kindsOf(`SELECT "select", 'it''s', 12.5 FROM t1 WHERE a = $1 -- why`)).toEqual([
    'keyword SELECT',
    `string 'it''s'`,
    'number 12.5',
    'keyword FROM',
    'keyword WHERE',
    'number $1',
    'comment -- why',
  ])
  expect(kindsOf('do $body$ select 1; $body$ /* end')).toEqual([
    'keyword do',
    'string $body$ select 1; $body$',
    'comment /* end',
  ])
})

test('nothing of the text is lost', () => {
  const sql = `with a as (select 'open ; /* x */ from "t`
  expect(
    tokenize(sql)
      .map(({ text }) => text)
      .join(''),
  ).toBe(sql)
})

import { expect, test } from 'vitest'

import { splitStatements } from './split-statements.ts'

const textsOf = async (sql: string): Promise<string[]> =>
  (await splitStatements(sql)).map(({ start, end }) => sql.slice(start, end))

test('statements end at semicolons that are outside of strings, bodies and comments', async () => {
  expect(
    await textsOf(`select ';' as "a;b"; -- one; two
      do $$ begin perform 1; end $$ ;;  select /* ; */ 3 ; `),
  ).toEqual([`select ';' as "a;b"`, 'do $$ begin perform 1; end $$', 'select /* ; */ 3'])
})

test('places are counted as JavaScript counts', async () => {
  expect(await textsOf(`select '🐘é'; select 'ü'`)).toEqual([`select '🐘é'`, `select 'ü'`])
})

test('what cannot be parsed is one statement, and nothing is none', async () => {
  expect(await textsOf(' select 1; selekt 2; ')).toEqual(['select 1; selekt 2;'])
  expect(await textsOf('  ')).toEqual([])
  expect(await textsOf(';;')).toEqual([])
})

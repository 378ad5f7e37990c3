import { expect, test } from 'vitest'

import { pairTables, previewSql, type Table } from './tables.ts'

const table = (name: string, rows: number | undefined, key: string[] = ['id']): Table => ({
  sqlName: `public.${name}`,
  name,
  oid: 1,
  key: key.map((column, at) => ({ name: column, number: at + 1 })),
  rows,
})

test('tables then and now are paired by name, those that differ first', () => {
  const past = [table('a', 5), table('gone', 2), table('b', 1)]
  const present = [table('a', 5), table('b', 3), table('made', 0)]
  expect(
    pairTables(past, present).map(({ name, past: t, present: n }) => [name, t?.rows, n?.rows]),
  ).toEqual([
    ['b', 1, 3],
    ['made', undefined, 0],
    ['gone', 2, undefined],
    ['a', 5, 5],
  ])
})

test('a preview is in the order of the key, whatever its columns are called', () => {
  expect(previewSql(table('t', 1, ['tenant', 'we"ird']))).toBe(
    'select * from public.t order by "tenant", "we""ird" limit 100',
  )
  expect(previewSql(table('log', 1, []))).toBe('select * from public.log limit 100')
})

import fc from 'fast-check'
import { expect, test } from 'vitest'

import {
  type Filter,
  operators,
  parseFilters,
  renderFilter,
  renderFilters,
  splitList,
} from './filters.ts'

const condition = (operator: Filter['operator'], value = ''): string =>
  renderFilter({ column: 'a"b', operator, value })

test('each operator is a condition on the column', () => {
  expect([
    condition('=', "o'clock"),
    condition('<>', '5'),
    condition('>=', '5'),
    condition('contains', '50%'),
    condition('matches', String.raw`^\d+$`),
    condition('in', '1, "two, or three", it\'s'),
    condition('null'),
    condition('not null'),
  ]).toEqual([
    `"a""b" = 'o''clock'`,
    `"a""b" <> '5'`,
    `"a""b" >= '5'`,
    String.raw`"a""b"::text ILIKE E'%50\\%%'`,
    String.raw`"a""b"::text ~ E'^\\d+$'`,
    `"a""b" IN ('1', 'two, or three', 'it''s')`,
    '"a""b" IS NULL',
    '"a""b" IS NOT NULL',
  ])
})

test('a list is split at its commas, but for those in double quotes', () => {
  const item = fc.string({ unit: fc.constantFrom('a', ',', '"', "'", ' ', '🐘') })
  fc.assert(
    fc.property(fc.array(item, { minLength: 1 }), (items) => {
      const text = items.map((one) => `"${one.replaceAll('"', '""')}"`).join(', ')
      expect(splitList(text)).toEqual(items)
    }),
  )
  expect(splitList('a, b ,c')).toEqual(['a', 'b', 'c'])
  expect(splitList('a,')).toEqual(['a', ''])
  expect(splitList('')).toEqual([''])
  expect(splitList('5" pipe, "x')).toEqual(['5" pipe', '"x'])
})

test('conditions of an address are those that were put there, and nothing else', () => {
  const filter = fc.record({
    column: fc.string({ minLength: 1 }),
    operator: fc.constantFrom(...(Object.keys(operators) as Filter['operator'][])),
    value: fc.string(),
  })
  fc.assert(
    fc.property(fc.array(filter), (filters) => {
      expect(parseFilters(renderFilters(filters))).toEqual(filters)
    }),
  )
  expect(parseFilters('[["a","=","1"],["b","; drop","1"],["c","toString",""],7,["d"]]')).toEqual([
    { column: 'a', operator: '=', value: '1' },
  ])
  expect([parseFilters('{'), parseFilters(null), parseFilters('5')]).toEqual([[], [], []])
})

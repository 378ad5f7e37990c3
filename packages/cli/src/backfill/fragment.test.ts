import { expect, test } from 'vitest'

import { checkFragment } from './fragment.ts'

test.each([
  "status = 'active'",
  "note = 'a;b', other = (select max(x) from y where z = 1)",
  'changed = a is distinct from b',
  'a = $$;)$$, b = $x$ ( $$ $x$',
  String.raw`a = E'\'); where', "where;" = 1`,
  'a = 1 -- ); where',
  'a = 1 /* ; /* ( */ where */',
  'tags = array[1, (2)]',
  'price$1 = 2',
])('takes %s', (text) => {
  expect(() => checkFragment({ option: '--set', text })).not.toThrow()
})

test.each([
  ['', 'is empty'],
  ['a = 1; drop table x', 'holds a ;'],
  ['a = 1) or (true', 'parentheses'],
  ['a = (1', 'parentheses'],
  ['a = (1]', 'parentheses'],
  ["a = 'b", "opens a ' that"],
  ['a = "b', 'opens a " that'],
  ['a = 1 /* b', 'comment'],
  ['a = $1', 'a parameter of nothing'],
  ['a = 1 where b', 'holds WHERE'],
  ['a = 1 Returning b', 'holds RETURNING'],
  ['a = o.b from o', 'holds FROM'],
])('refuses %j: %s', (text, reason) => {
  expect(() => checkFragment({ option: '--set', text })).toThrow(reason)
})

test('a condition may hold what an assignment may not', () => {
  const text = 'exists (select from o where o.id = t.id) and extract(year from at) = 2024'
  expect(() => checkFragment({ option: '--where', text })).not.toThrow()
})

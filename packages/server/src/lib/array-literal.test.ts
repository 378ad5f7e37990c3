import fc from 'fast-check'
import { expect, test } from 'vitest'

import { arrayLiteral, arrayToJson } from './array-literal.ts'

const asString = (text: string) => JSON.stringify(text)

test.each([
  [[], '{}'],
  [[1, null, 'a'], '{"1",NULL,"a"}'],
  [[-0.5, 1e21, 1e-7, JSON.parse('-0')], '{"-0.5","1e+21","1e-7","0"}'],
  [['NULL', '', 'a"b\\c', '{x,y}'], '{"NULL","","a\\"b\\\\c","{x,y}"}'],
  [
    [
      [1, 2],
      [3, null],
    ],
    '{{"1","2"},{"3",NULL}}',
  ],
  [[true, { a: 'b"' }], '{"true","{\\"a\\":\\"b\\\\\\"\\"}"}'],
])('writes %j', (values, literal) => {
  expect(arrayLiteral(values)).toBe(literal)
})

test.each([
  ['{}', '[]'],
  ['{a,NULL,"NULL",""}', '["a",null,"NULL",""]'],
  ['{{1,2},{3,4}}', '[["1","2"],["3","4"]]'],
  ['[0:1]={a,b}', '["a","b"]'],
  ['[1:1][-2:-1]={{a,"b,}"}}', '[["a","b,}"]]'],
  ['{"a\\"b\\\\c"}', '["a\\"b\\\\c"]'],
])('reads %s', (literal, json) => {
  expect(arrayToJson(literal, asString, ',')).toBe(json)
})

test('has another delimiter where the type has', () => {
  expect(arrayToJson('{(1,1),(0,0);(2,2),(1,1)}', asString, ';')).toBe(
    '["(1,1),(0,0)","(2,2),(1,1)"]',
  )
})

test.each(['', 'a', '{', '{a', '{"a', '{a}}', '{a}b', '[0:1]', '1 2'])('refuses %j', (literal) => {
  expect(() => arrayToJson(literal, asString, ',')).toThrow(SyntaxError)
})

test('reads back what it has written', () => {
  const element = fc.option(fc.string({ unit: 'grapheme' }))
  const array = fc.oneof(fc.array(element), fc.array(fc.array(element, { minLength: 1 })))
  fc.assert(
    fc.property(array, (values) => {
      expect(JSON.parse(arrayToJson(arrayLiteral(values), asString, ','))).toEqual(values)
    }),
  )
})

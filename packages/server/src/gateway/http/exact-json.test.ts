import fc from 'fast-check'
import { expect, test } from 'vitest'

import { hasInexactInteger } from './exact-json.ts'

test.each([
  ['[9007199254740991]', false],
  ['[9007199254740992]', true],
  ['{"a":[-12345678901234567890]}', true],
  ['["12345678901234567890"]', false],
  ['["a\\"12345678901234567890\\\\",1]', false],
  ['["\\\\",12345678901234567890]', true],
  ['[1.2345678901234567890]', false],
  ['[12345678901234567890e0]', false],
  ['12345678901234567890', true],
])('of %s says %s', (json, expected) => {
  expect(hasInexactInteger(json)).toBe(expected)
})

test('agrees with JSON.parse for every integer between any strings', () => {
  fc.assert(
    fc.property(fc.string(), fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), (text, number) => {
      const json = `[${JSON.stringify(text)},${number}]`
      expect(hasInexactInteger(json)).toBe(!Number.isSafeInteger(Number(number)))
    }),
  )
})

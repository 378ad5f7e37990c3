import fc from 'fast-check'
import { expect, test } from 'vitest'

import { formatJson } from './format-json.ts'

test('JSON is laid out as JavaScript lays it out', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(formatJson(JSON.stringify(value))).toBe(JSON.stringify(value, null, 2))
    }),
  )
})

test('digits and double keys stay', () => {
  expect(formatJson('{"a":12345678901234567890,"a" : 1.10}')).toBe(
    '{\n  "a": 12345678901234567890,\n  "a": 1.10\n}',
  )
})

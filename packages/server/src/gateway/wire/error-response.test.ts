import { expect, test } from 'vitest'

import { errorResponse, parseErrorFields } from './error-response.ts'

test('carries severity, SQLSTATE and message, and nothing that would end a field', () => {
  const response = errorResponse('28P01', "no\0 entry for 'ü'")
  expect(response.toString('latin1', 0, 1)).toBe('E')
  expect(response.readUInt32BE(1)).toBe(response.length - 1)
  expect(response.subarray(-2)).toEqual(Buffer.alloc(2))
  expect(Object.fromEntries(parseErrorFields(response.subarray(5)))).toEqual({
    S: 'FATAL',
    V: 'FATAL',
    C: '28P01',
    M: "no entry for 'ü'",
  })
})

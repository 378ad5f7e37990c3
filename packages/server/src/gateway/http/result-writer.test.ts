import { expect, test } from 'vitest'

import { parseCommandTag, ResultWriter } from './result-writer.ts'

test.each([
  ['SELECT 3', { command: 'SELECT', rowCount: 3 }],
  ['INSERT 0 2', { command: 'INSERT', rowCount: 2 }],
  ['CREATE TABLE', { command: 'CREATE', rowCount: null }],
  ['BEGIN', { command: 'BEGIN', rowCount: null }],
  ['', { command: '', rowCount: null }],
])('reads the tag %j', (tag, expected) => {
  expect(parseCommandTag(tag)).toEqual(expected)
})

test('fails by an error of its own where answers make no sense', () => {
  const writer = new ResultWriter({
    rawText: false,
    arrayModes: [true],
    maxBytes: 1000,
    onTooLarge: () => undefined,
  })
  writer.take('T', Buffer.from([0, 9, 1]))
  expect(writer.failure).toMatchObject({
    status: 500,
    message: 'could not parse postgres response',
  })
})

test('drops everything once it is too large, and says so once', () => {
  let calls = 0
  const writer = new ResultWriter({
    rawText: true,
    arrayModes: [true],
    maxBytes: 40,
    onTooLarge: () => calls++,
  })
  writer.take('n', Buffer.alloc(0))
  for (let row = 0; row < 100; row++) writer.take('D', Buffer.from([0, 0]))
  expect([calls, writer.finish()]).toEqual([1, []])
})

import { expect, test } from 'vitest'

import { parsePidFile } from './pid-file.ts'

const lines = [
  '4711',
  '/data',
  '1795453200',
  '5432',
  '/run/ep',
  '',
  '  131072    0',
  'ready   ',
  '',
]

test('a whole file tells pid, socket and status', () => {
  expect(parsePidFile(lines.join('\n'))).toEqual({
    pid: 4711,
    socketDirectory: '/run/ep',
    status: 'ready',
  })
})

test('a file in the making tells what it has', () => {
  expect(parsePidFile(lines.slice(0, 4).join('\n'))).toEqual({
    pid: 4711,
    socketDirectory: '',
    status: undefined,
  })
  expect(parsePidFile('')).toBeUndefined()
})

test('the pid of a single-user server is written with a minus', () => {
  expect(parsePidFile('-4711\n')?.pid).toBe(4711)
})

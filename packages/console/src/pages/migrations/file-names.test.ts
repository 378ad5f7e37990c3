import { expect, test } from 'vitest'

import { nextName, withoutNamesakes } from './file-names.ts'

const now = new Date('2030-01-31T12:34:56Z')
const named = (...names: string[]) => names.map((name) => ({ name, sql: '' }))

test('one more file has the next number, else the minute', () => {
  expect(nextName([], now)).toBe('203001311234_change.sql')
  expect(nextName(named('0009_a.sql'), now)).toBe('0010_change.sql')
  expect(nextName(named('a.sql'), now)).toBe('203001311234_change.sql')
  const other = nextName(named('203001311234_change.sql'), now)
  expect(other).toBe('203001311234_change_2.sql')
})

test('a file that comes again takes the place of the one before', () => {
  const [first, again] = [
    { name: 'a.sql', sql: '1' },
    { name: 'a.sql', sql: '2' },
  ]
  expect(withoutNamesakes([first, ...named('b.sql'), again].flat())).toEqual([
    again,
    { name: 'b.sql', sql: '' },
  ])
})

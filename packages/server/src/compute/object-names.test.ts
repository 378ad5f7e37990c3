import { expect, test } from 'vitest'

import { checkObjectName, quoteIdentifier } from './object-names.ts'

test.each(['a', 'app.user', 'Ünï çödé', '"; drop', 'x'.repeat(63), 'é'.repeat(31)])(
  '%j may name a role and a database',
  (name) => {
    expect(checkObjectName('role', name)).toBe(name)
    expect(checkObjectName('database', name)).toBe(name)
  },
)

test.each(['', 'a\0b', 'x'.repeat(64), 'é'.repeat(32), '\ud800'])('%j may not', (name) => {
  for (const kind of ['role', 'database'] as const) {
    expect(() => checkObjectName(kind, name)).toThrow('1 to 63 bytes of UTF-8')
  }
})

test.each(['cloud_admin', 'neon_superuser', 'pg_monitor', 'pg_x', 'public', 'none'])(
  'role name %s is reserved',
  (name) => {
    expect(() => checkObjectName('role', name)).toThrow('is reserved')
  },
)

test.each(['postgres', 'template0', 'template1'])('database name %s is reserved', (name) => {
  expect(() => checkObjectName('database', name)).toThrow('is reserved')
})

test('a quoted identifier keeps dots and doubles quotes', () => {
  expect(quoteIdentifier('a.b"c')).toBe('"a.b""c"')
})

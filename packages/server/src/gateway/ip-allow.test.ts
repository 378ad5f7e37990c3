import { expect, test } from 'vitest'

import { isAllowed, requireAllowed } from './ip-allow.ts'

const list = [
  '192.0.2.1',
  '198.51.100.0/24',
  '203.0.113.10-203.0.113.20',
  '2001:db8::/32',
  '::ffff:192.0.2.77',
]

test.each([
  '192.0.2.1',
  '::ffff:192.0.2.1',
  '::FFFF:198.51.100.9',
  '198.51.100.0',
  '198.51.100.255',
  '203.0.113.10',
  '203.0.113.20',
  '2001:db8:ffff::1',
  '2001:DB8::1%eth0',
  '192.0.2.77',
])('admits %s', (address) => {
  expect(isAllowed(address, list)).toBe(true)
})

test.each([
  '192.0.2.2',
  '::ffff:192.0.2.2',
  '198.51.101.0',
  '203.0.113.9',
  '203.0.113.21',
  '2001:db9::1',
  '::1',
  '',
  'localhost',
])('does not admit %j', (address) => {
  expect(isAllowed(address, list)).toBe(false)
})

test('an empty list admits everybody, one that cannot be read nobody', () => {
  expect(isAllowed('192.0.2.9', [])).toBe(true)
  expect(isAllowed('', [])).toBe(true)
  expect(isAllowed('192.0.2.9', ['nonsense'])).toBe(false)
})

const access = { allowedIps: list, blockPublicConnections: false }

test('says which address, and what to do', () => {
  expect(() => requireAllowed('192.0.2.9', access)).toThrow(
    /^This IP address 192\.0\.2\.9 is not allowed to connect to this endpoint\..*neon ip-allow add 192\.0\.2\.9$/,
  )
})

test.each(['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1'])(
  'a blocked public network does not keep out %s of this machine, whatever the list',
  (address) => {
    expect(() => requireAllowed(address, { ...access, blockPublicConnections: true })).not.toThrow()
  },
)

test.each(['192.0.2.1', '10.0.0.1', '2001:db8::1', ''])(
  'a blocked public network keeps out %j, also where the list has it',
  (address) => {
    expect(() => requireAllowed(address, { ...access, blockPublicConnections: true })).toThrow(
      'This connection is trying to access this endpoint from a blocked network.',
    )
  },
)

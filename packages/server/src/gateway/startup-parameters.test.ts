import { expect, test } from 'vitest'

import { readStartup } from './startup-parameters.ts'

function startup(parameters: Record<string, string>, majorVersion = 3, minorVersion = 0) {
  return readStartup({
    kind: 'startup',
    majorVersion,
    minorVersion,
    parameters: new Map(Object.entries(parameters)),
  })
}

test('forwards every parameter but those that are for the gateway', () => {
  const read = startup({
    user: 'u',
    options: 'endpoint=ep-a -c geqo=off',
    search_path: 's',
    client_encoding: 'LATIN1',
    application_name: 'app',
    '_pq_.x': '1',
    replication: 'off',
  })
  expect(Object.fromEntries(read.forwarded)).toEqual({
    user: 'u',
    database: 'u',
    search_path: 's',
    client_encoding: 'LATIN1',
    application_name: 'app',
    options: '-c geqo=off',
  })
  expect(read).toMatchObject({
    user: 'u',
    database: 'u',
    applicationName: 'app',
    replication: false,
  })
})

test('passes on the wish for logical replication', () => {
  const read = startup({ user: 'u', database: 'd', replication: 'database' })
  expect(read.replication).toBe(true)
  expect(read.forwarded.get('replication')).toBe('database')
})

test('answers a wish for a later minor version or a protocol option, and only such a wish', () => {
  expect(startup({ user: 'u' }).unrecognised).toBeUndefined()
  expect(startup({ user: 'u' }, 3, 2).unrecognised).toEqual([])
  expect(startup({ user: 'u', '_pq_.a': '1', '_pq_.b': '' }).unrecognised).toEqual([
    '_pq_.a',
    '_pq_.b',
  ])
})

test.each([
  [{}, "Parameter 'user' is missing in startup packet."],
  [{ user: '' }, "Parameter 'user' is missing in startup packet."],
  [{ user: 'u', replication: 'true' }, 'physical replication is not available'],
  [{ user: 'u', replication: 'ON' }, 'physical replication is not available'],
  [{ user: 'u', replication: 'Database' }, 'invalid value for parameter "replication": "Database"'],
  [{ user: 'u', replication: 'tru' }, 'invalid value for parameter "replication": "tru"'],
])('refuses %j', (parameters: Record<string, string>, text) => {
  expect(() => startup(parameters)).toThrow(text)
})

test('refuses other major versions', () => {
  expect(() => startup({}, 2, 0)).toThrow('unsupported frontend protocol 2.0')
  expect(() => startup({}, 4, 1)).toThrow('unsupported frontend protocol 4.1')
})

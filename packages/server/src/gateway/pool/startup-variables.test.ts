import { expect, test } from 'vitest'

import { startupVariables } from './startup-variables.ts'

function variables(parameters: Record<string, string>): Record<string, string> {
  return Object.fromEntries(startupVariables(new Map(Object.entries(parameters))))
}

test('takes every parameter that is a setting', () => {
  expect(
    variables({
      user: 'u',
      database: 'd',
      replication: 'false',
      '_pq_.x': '1',
      application_name: 'psql',
      DateStyle: 'ISO, DMY',
      'app.tenant': '',
    }),
  ).toEqual({ application_name: 'psql', datestyle: 'ISO, DMY', 'app.tenant': '' })
})

test.each([
  ['-c search_path=a\\ b', { search_path: 'a b' }],
  ['-cGeqo=off  --Work-Mem=1MB', { geqo: 'off', work_mem: '1MB' }],
  ['-c a.b=x=y\\\\z', { 'a.b': 'x=y\\z' }],
  ['-c geqo=', { geqo: '' }],
  ['-c role=admin', { role: 'admin' }],
  ['-c role=none', {}],
  ['', {}],
])('takes the settings in the options %j', (options, expected) => {
  expect(variables({ options })).toEqual(expected)
})

test('prefers a parameter to an option', () => {
  expect(variables({ timezone: 'UTC', options: '-c TimeZone=CET' })).toEqual({ timezone: 'UTC' })
})

test.each([
  ['-p', '-p in options'],
  ['-c', '-c in options'],
  ['-c geqo', '-c in options'],
  ['--geqo', '--geqo in options'],
  ['-e', '-e in options'],
  ['geqo=off', 'geqo=off in options'],
  ['-c session_authorization=x', 'session_authorization'],
  ['-c log_connections=on', 'log_connections'],
  ['-c a"b=1', 'a"b'],
])('refuses the options %j', (options, name) => {
  expect(() => variables({ options })).toThrow(
    `unsupported startup parameter: ${name}. Please use unpooled connection or remove this parameter from the startup package. More details: `,
  )
})

test('refuses names that no setting has', () => {
  expect(() => variables({ é: '1' })).toThrow('unsupported startup parameter: é.')
  expect(() => variables({ Session_Authorization: 'x' })).toThrow('Session_Authorization')
})

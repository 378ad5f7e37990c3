import { expect, test } from 'vitest'

import { forwardedOptions, parsePasswordForm, resolveRoute } from './route.ts'

const domain = 'coppice.localhost'

test.each([
  ['ep-a.coppice.localhost', undefined, { endpointId: 'ep-a', pooled: false }],
  ['EP-A.Coppice.Localhost', undefined, { endpointId: 'ep-a', pooled: false }],
  ['ep-a-pooler.coppice.localhost', undefined, { endpointId: 'ep-a', pooled: true }],
  [undefined, 'endpoint=ep-a', { endpointId: 'ep-a', pooled: false }],
  [undefined, 'endpoint=ep-a-pooler', { endpointId: 'ep-a', pooled: true }],
  [undefined, '-c geqo=off project=ep-a', { endpointId: 'ep-a', pooled: false }],
  ['ep-a.coppice.localhost', 'endpoint=ep-a', { endpointId: 'ep-a', pooled: false }],
  ['ep-a-pooler.coppice.localhost', 'endpoint=ep-a', { endpointId: 'ep-a', pooled: true }],
  [
    'br-a-b-c.coppice.localhost',
    'neon_lsn:0/16B3748',
    { endpointId: 'br-a-b-c@0/16B3748', pooled: false },
  ],
  [
    undefined,
    'endpoint=br-a neon_timestamp:2026-01-01T00:00:00Z',
    { endpointId: 'br-a@2026-01-01T00:00:00Z', pooled: false },
  ],
  ['ep-a.coppice.localhost', 'endpoint=ep-a-pooler', { endpointId: 'ep-a', pooled: true }],
  ['db.example.com', 'endpoint=ep-a', { endpointId: 'ep-a', pooled: false }],
])('resolves %j with options %j', (serverName, options, route) => {
  expect(resolveRoute({ serverName, options, domain })).toEqual(route)
})

test.each([
  [undefined, undefined],
  ['localhost', undefined],
  ['coppice.localhost', undefined],
  ['api.coppice.localhost', undefined],
  ['apiauth.coppice.localhost', undefined],
  ['localhost.coppice.localhost', undefined],
  ['ep-a.example.com', undefined],
  ['a.ep-a.coppice.localhost', undefined],
  [undefined, 'endpoint=ep-a endpoint=ep-b'],
  [undefined, 'endpoint=ep-a project=ep-a'],
  [undefined, '-c search_path=x'],
])('finds no endpoint in %j with options %j', (serverName, options) => {
  expect(resolveRoute({ serverName, options, domain }).endpointId).toBeUndefined()
})

test('refuses a server name and an option that disagree', () => {
  const request = { serverName: 'a.coppice.localhost', options: 'project=b', domain }
  expect(() => resolveRoute(request)).toThrow(
    "Inconsistent project name inferred from SNI ('a') and project option ('b').",
  )
})

test.each([
  ['x_y.coppice.localhost', undefined, 'x_y'],
  [undefined, 'endpoint=ep.x', 'ep.x'],
  [undefined, 'endpoint=', ''],
  [undefined, 'project=ép', 'ép'],
])('refuses characters that no id has: %j, %j', (serverName, options, name) => {
  expect(() => resolveRoute({ serverName, options, domain })).toThrow(
    `Project name ('${name}') must contain only alphanumeric characters and hyphen.`,
  )
})

test.each([
  [undefined, undefined],
  ['', undefined],
  ['endpoint=ep-a', undefined],
  ['-c endpoint=ep-a', undefined],
  ['endpoint=ep-a -c geqo=off', '-c geqo=off'],
  ['-c search_path=a\\ b  project=x', '-c search_path=a\\ b'],
  ['neon_lsn:0/1 neon_endpoint_type:read_write --work_mem=1MB', '--work_mem=1MB'],
  ['-c neon_x=1 -c geqo=off', '-c geqo=off'],
  ['-c application_name=endpoint=x', '-c application_name=endpoint=x'],
])('forwards of the options %j only %j', (options, forwarded) => {
  expect(forwardedOptions(options)).toBe(forwarded)
})

test.each([
  ['endpoint=ep-a;secret', { endpointId: 'ep-a', pooled: false }, 'secret'],
  ['project=ep-a$se;cr$et', { endpointId: 'ep-a', pooled: false }, 'se;cr$et'],
  ['endpoint=ep-a-pooler;', { endpointId: 'ep-a', pooled: true }, ''],
])('takes %j for the password form', (text, route, password) => {
  expect(parsePasswordForm(text)).toEqual({ route, password })
})

test.each(['', 'secret', 'endpoint=ep-a', 'x=ep-a;secret', 'endpoint=;secret', 'se;cret'])(
  'misses the endpoint in the password %j, and does not repeat it',
  (text) => {
    const error = () => parsePasswordForm(text)
    expect(error).toThrow(
      'Endpoint ID is not specified. Either please upgrade the postgres client library (libpq) for SNI support or pass the endpoint ID (first part of the domain name) as a parameter: ' +
        "'?options=endpoint%3D<endpoint-id>'. See more at https://neon.tech/sni",
    )
  },
)

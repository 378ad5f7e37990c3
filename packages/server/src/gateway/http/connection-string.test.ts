import { expect, test } from 'vitest'

import {
  parseConnectionString,
  requireEndpoint,
  resolveHost,
  sessionVariables,
} from './connection-string.ts'

const domain = 'coppice.example'
const nothing = { serverName: undefined, hostHeader: undefined }

test('reads every part, percent-encoded and not', () => {
  const text =
    'postgresql://us%40er:p%40w%2F%3A@ep-a.coppice.example:5433/d%20b?sslmode=require' +
    '&application_name=pkg%3Anpm%2F%2540neondatabase%2Fserverless%401.2.0&options=endpoint%3Dep-b%20-c%20geqo%3Doff'
  expect(parseConnectionString(text)).toEqual({
    user: 'us@er',
    password: 'p@w/:',
    host: 'ep-a.coppice.example',
    database: 'd b',
    applicationName: 'pkg:npm/%40neondatabase/serverless@1.2.0',
    options: 'endpoint=ep-b -c geqo=off',
    quiet: false,
  })
})

test.each([
  ['mysql://u:p@h/d', 'incorrect scheme'],
  ['https://u:p@h/d', 'incorrect scheme'],
  ['postgres://u:p@h', 'missing database name'],
  ['postgres://u:p@h/', 'missing database name'],
  ['postgres://u:p@h/%zz', 'invalid database name'],
  ['postgres://u:p@h/a%00b', 'invalid database name'],
  ['postgres://h/d', 'missing username'],
  ['postgres://:p@h/d', 'missing username'],
  ['postgres://u@h/d', 'missing authentication credentials: required password'],
  ['postgres://u:%zz@h/d', 'invalid password'],
  ['secret', 'invalid connection string: it must be postgresql://user:password@host/database'],
  ['', 'invalid connection string: it must be postgresql://user:password@host/database'],
])('refuses %j', (text, message) => {
  expect(() => parseConnectionString(text)).toThrow(
    expect.objectContaining({ status: 400, message }),
  )
})

test.each([
  ['ep-a.coppice.example', undefined, 'ep-a', false],
  ['ep-a-pooler.coppice.example', undefined, 'ep-a', true],
  ['EP-A.Coppice.Example.', undefined, 'ep-a', false],
  ['ep-a.us-east-2.aws.neon.tech', undefined, 'ep-a', false],
  ['ep-a.coppice.example', 'endpoint=ep-a', 'ep-a', false],
  ['127.0.0.1', 'endpoint=ep-a', 'ep-a', false],
  ['[::1]', 'endpoint=ep-a-pooler', 'ep-a', true],
  ['localhost', 'project=ep-a -c geqo=off', 'ep-a', false],
  ['coppice.example', 'endpoint=ep-a', 'ep-a', false],
  ['api.coppice.example', 'endpoint=ep-a', 'ep-a', false],
  ['', 'endpoint=ep-a', 'ep-a', false],
])('finds the endpoint of %j with %j', (host, options, endpointId, pooled) => {
  expect(resolveHost(host, options, nothing, domain)).toEqual({ endpointId, pooled })
})

test.each(['127.0.0.1', '[::1]', 'localhost', 'coppice.example', 'api.coppice.example', ''])(
  'takes the connection for %j',
  (host) => {
    const bySni = { serverName: 'ep-a.coppice.example', hostHeader: 'ep-b.coppice.example:443' }
    expect(resolveHost(host, undefined, bySni, domain)?.endpointId).toBe('ep-a')
    const byHost = { serverName: 'api.coppice.example', hostHeader: 'ep-b.coppice.example:443' }
    expect(resolveHost(host, undefined, byHost, domain)?.endpointId).toBe('ep-b')
    expect(resolveHost(host, undefined, nothing, domain)).toBeUndefined()
  },
)

test.each([
  ['10.0.0.1', undefined, 'missing hostname'],
  ['localhost', undefined, 'missing hostname'],
  [
    'ep-a.coppice.example',
    'endpoint=ep-b',
    "Inconsistent project name inferred from SNI ('ep-a') and project option ('ep-b').",
  ],
  [
    'ep_a.coppice.example',
    undefined,
    "Project name ('ep_a') must contain only alphanumeric characters and hyphen.",
  ],
])('refuses %j with %j', (host, options, message) => {
  const request = { ...parseConnectionString('postgres://u:p@h/d'), host, options }
  expect(() => requireEndpoint(request, nothing, domain)).toThrow(
    expect.objectContaining({ status: 400, message }),
  )
})

test('takes the variables of a session from the query', () => {
  const options = '?application_name=app&options=endpoint%3Dep-a%20-c%20search_path%3Dmine'
  const request = parseConnectionString(`postgres://u:p@h/d${options}`)
  expect(Object.fromEntries(sessionVariables(request))).toEqual({
    application_name: 'app',
    client_encoding: 'UTF8',
    search_path: 'mine',
  })
  expect(() => sessionVariables({ ...request, options: '-p' })).toThrow(
    expect.objectContaining({
      status: 400,
      message: expect.stringContaining('unsupported startup parameter'),
    }),
  )
})

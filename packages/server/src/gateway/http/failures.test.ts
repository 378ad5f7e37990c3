import { expect, test } from 'vitest'

import { AppError } from '../../lib/errors.ts'
import {
  ClientError,
  ComputeRefusal,
  Disconnected,
  passwordFailure,
  shutdownError,
} from '../errors.ts'
import { errorResponse } from '../wire/error-response.ts'
import { QueryError, renderFailure, RequestError } from './failures.ts'

const names = [
  'message',
  'code',
  'detail',
  'hint',
  'position',
  'internalPosition',
  'internalQuery',
  'severity',
  'where',
  'table',
  'column',
  'schema',
  'dataType',
  'constraint',
  'file',
  'line',
  'routine',
]

test.each([
  [new RequestError(413, 'too large'), 413, 'too large', ''],
  [passwordFailure('x'), 400, "password authentication failed for user 'x'", ''],
  [new ClientError('53300', 'too many'), 429, 'too many', '53300'],
  [shutdownError(), 503, 'terminating connection due to administrator command', '57P01'],
  [new ClientError('XX000', 'no compute'), 500, 'no compute', 'XX000'],
  [new AppError('endpoint_disabled', 'disabled'), 400, 'disabled', '57P03'],
  [new AppError('compute_start_failed', 'did not start'), 500, 'did not start', '57P03'],
  [new ComputeRefusal('3D000', errorResponse('3D000', 'no database')), 400, 'no database', '3D000'],
  [new Disconnected('the compute'), 400, 'server closed the connection unexpectedly', '08006'],
  [new TypeError('secret'), 500, 'internal error', 'XX000'],
])('renders %s', (error, status, message, code) => {
  const failure = renderFailure(error)
  expect(failure.status).toBe(status)
  const body = JSON.parse(failure.body) as Record<string, unknown>
  expect(Object.keys(body)).toEqual(names)
  expect(body).toMatchObject({ message, code, detail: null, line: null })
})

test('gives every field of a query that failed', () => {
  const letters = 'M:m C:c D:d H:h P:1 p:2 q:q S:ERROR W:w t:t c:col s:s d:dt n:n F:f L:3 R:r'
  const pairs = letters
    .split(' ')
    .map((pair): [string, string] => [pair.slice(0, 1), pair.slice(2)])
  const { status, body } = renderFailure(new QueryError(new Map(pairs)))
  expect(status).toBe(400)
  expect(Object.values(JSON.parse(body) as object).join(' ')).toBe(
    'm c d h 1 2 q ERROR w t col s dt n f 3 r',
  )
})

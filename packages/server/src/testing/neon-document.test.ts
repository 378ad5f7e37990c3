import { expect, test } from 'vitest'

import { findNeonOperation, neonOperations, problemsOf } from './neon-document.ts'

const answer = (method: string, url: string, status: number, body: unknown) => ({
  method,
  url: `/api/v2${url}`,
  status,
  body: body === undefined ? '' : JSON.stringify(body),
})

test('knows the operations of the document, literal paths before parameters', () => {
  expect(neonOperations.length).toBeGreaterThan(150)
  expect(findNeonOperation('GET', '/api/v2/projects/shared?limit=1')?.operationId).toBe(
    'listSharedProjects',
  )
  expect(findNeonOperation('GET', '/api/v2/projects/a-b-1')?.operationId).toBe('getProject')
  expect(findNeonOperation('PUT', '/api/v2/projects')).toBeUndefined()
})

test('takes what is documented', () => {
  const regions = [{ region_id: 'a', name: 'b', default: true, geo_lat: '', geo_long: '' }]
  expect(problemsOf(answer('GET', '/regions', 200, { regions }))).toEqual([])
  expect(problemsOf(answer('DELETE', '/projects/a/endpoints/b', 204, undefined))).toEqual([])
  const error = { request_id: 'r', code: 'branch_not_found', message: 'm' }
  expect(problemsOf(answer('GET', '/projects/a', 404, error))).toEqual([])
})

test.each([
  ['a missing field', 'GET', '/regions', 200, { regions: [{ region_id: 'a' }] }],
  ['another type', 'GET', '/regions', 200, { regions: {} }],
  [
    'a format',
    'GET',
    '/organizations/o/members/m',
    200,
    { id: 'x', user_id: 'y', org_id: 'o', role: 'admin' },
  ],
  ['an enumeration', 'GET', '/auth', 200, { account_id: 'a', auth_method: 'guess' }],
  ['a schema that is shared', 'GET', '/projects/a/operations', 200, { operations: [{}] }],
  ['a page without its cursor', 'GET', '/projects/shared', 200, { projects: [], pagination: {} }],
  ['another status', 'POST', '/projects', 200, {}],
  ['a body where there is none', 'DELETE', '/projects/a/endpoints/b', 204, {}],
  ['an error without request_id', 'GET', '/auth', 404, { code: '', message: 'm' }],
  [
    'an error of another status',
    'GET',
    '/auth',
    400,
    { request_id: 'r', code: 'internal', message: 'm' },
  ],
  ['an unknown code', 'GET', '/auth', 400, { request_id: 'r', code: 'odd', message: 'm' }],
])('finds %s', (_what, method, url, status, body) => {
  expect(problemsOf(answer(method, url, status, body))).not.toEqual([])
})

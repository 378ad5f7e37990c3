import { type Route, type RouteName, routes } from '@coppice/api'
import { describe, expect, test } from 'vitest'

import { AppError } from '../../lib/errors.ts'
import { authorize } from './auth.ts'

const ours = Object.entries(routes) as [RouteName, Route][]

/** The code of the refusal, or `reached`. */
function ask(
  key: { kind: 'user' | 'organization'; project_id: string | null },
  route: RouteName,
  path: { project_id?: string } = {},
): string {
  try {
    authorize(key, route, path)
    return 'reached'
  } catch (error) {
    return error instanceof AppError ? error.code : String(error)
  }
}

const namesOf = (code: string, key: Parameters<typeof ask>[0]): string[] =>
  ours.filter(([name]) => ask(key, name) === code).map(([name]) => name)

test("the owner's key reaches every route", () => {
  expect(namesOf('reached', { kind: 'user', project_id: null })).toHaveLength(ours.length)
})

test("the organization's reaches every route but those about a person", () => {
  const key = { kind: 'organization', project_id: null } as const
  const refused = ['listApiKeys', 'createApiKey', 'revokeApiKey', 'getCurrentUserInfo']
  expect(namesOf('outside_key_scope', key)).toEqual(refused)
  expect(namesOf('reached', key)).toHaveLength(ours.length - refused.length)
})

describe('a key for one project', () => {
  const key = { kind: 'organization', project_id: 'mine' } as const
  const below = ours.filter(([, { url }]) => url.startsWith('/projects/:project_id'))
  const others = ours.filter(([, { url }]) => !url.startsWith('/projects/:project_id'))

  test('reaches what is below its project, but does not end or share it', () => {
    const refused = below.filter(([name]) => ask(key, name, { project_id: 'mine' }) !== 'reached')
    expect(refused.map(([name]) => name)).toEqual([
      'deleteProject',
      'recoverProject',
      'grantPermissionToProject',
    ])
  })

  test('reaches little besides', () => {
    const reached = others.filter(([name]) => ask(key, name) === 'reached')
    expect(reached.map(([name]) => name)).toEqual([
      'listProjects',
      'listSharedProjects',
      'getCurrentUserOrganizations',
      'getAuthDetails',
      'getActiveRegions',
    ])
  })

  test('reaches no other project, by no route', () => {
    for (const [name] of below) {
      expect([name, ask(key, name, { project_id: 'other' })]).toEqual([name, 'outside_key_scope'])
    }
  })
})

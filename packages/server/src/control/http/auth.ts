import type { RouteName } from '@coppice/api'
import type { FastifyRequest } from 'fastify'

import { AppError } from '../../lib/errors.ts'
import { hashApiKey } from '../../lib/passwords.ts'
import type { ConsoleAccess, KeyScope } from '../console/access.ts'
import { findApiKey, recordApiKeyUse } from '../store/api-keys.ts'
import type { Store } from '../store/store.ts'
import { requireSameOrigin, type SessionCookie } from './session-cookie.ts'

/** How often a key's last use is written down. */
const useGrainMs = 60_000

/** What requests are authenticated against. */
export interface Authenticator {
  store: Store
  access: ConsoleAccess
  cookie: SessionCookie
}

/**
 * What a request may reach: that of the key in its bearer token or, without one, that of the console's
 * session in its cookie. Rejects with `not_authenticated`.
 */
export async function authenticate(
  { store, access, cookie }: Authenticator,
  request: FastifyRequest,
): Promise<KeyScope> {
  const token = cookie.read(request)
  if (request.headers.authorization !== undefined || token === undefined) {
    return authenticateKey(store, request)
  }
  requireSameOrigin(request)
  const scope = await access.findScope(token)
  if (scope !== undefined) return scope
  throw new AppError('not_authenticated', 'the session is over; sign in again')
}

async function authenticateKey(store: Store, request: FastifyRequest): Promise<KeyScope> {
  const match = /^Bearer ([\w~.+/=-]{8,512})$/i.exec(request.headers.authorization ?? '')
  const row = match?.[1] === undefined ? undefined : await findApiKey(store, hashApiKey(match[1]))
  if (row === undefined) {
    throw new AppError(
      'not_authenticated',
      match === null
        ? 'this request carries no API key; send it as `Authorization: Bearer <key>`'
        : 'the API key is not valid; it may have been revoked',
    )
  }
  const lastUse = row.last_used_at?.getTime() ?? 0
  if (Date.now() - lastUse > useGrainMs) await recordApiKeyUse(store, row.id, request.ip)
  return row
}

/** What is about a person: only the owner's own keys reach it. */
const personal: ReadonlySet<RouteName> = new Set<RouteName>([
  'getCurrentUserInfo',
  'listApiKeys',
  'createApiKey',
  'revokeApiKey',
])

/** What a key for one project reaches besides the routes of that project. */
const besideProject: ReadonlySet<RouteName> = new Set<RouteName>([
  // It lists that project alone.
  'listProjects',
  'listSharedProjects',
  'getCurrentUserOrganizations',
  'getAuthDetails',
  'getActiveRegions',
])

/** What of its project it does not reach: who makes and shares projects ends them. */
const aboveProject: ReadonlySet<RouteName> = new Set<RouteName>([
  'deleteProject',
  'recoverProject',
  'grantPermissionToProject',
])

/**
 * Refuses what a key's scope does not hold, in Neon's words where those are known. A new route is open
 * to keys for one project only below their project's URL.
 */
export function authorize(
  key: Pick<KeyScope, 'kind' | 'project_id'>,
  route: RouteName,
  path: { project_id?: string },
): void {
  if (key.kind === 'user') return
  if (personal.has(route)) {
    throw new AppError('outside_key_scope', 'not allowed for organization API keys')
  }
  if (key.project_id === null || besideProject.has(route)) return
  if (path.project_id !== key.project_id) {
    throw new AppError(
      'outside_key_scope',
      `not allowed to perform actions outside the project this key is scoped to; subject_project_id:"${key.project_id}"`,
    )
  }
  if (aboveProject.has(route)) {
    throw new AppError('not_permitted', 'a key for one project may not delete or share the project')
  }
}

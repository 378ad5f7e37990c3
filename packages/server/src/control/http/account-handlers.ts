import { maxComputeUnits } from '@coppice/api'

import { AppError } from '../../lib/errors.ts'
import { organization, owner, requireOrganization } from '../account.ts'
import * as apiKeys from '../api-keys.ts'
import type { Context } from '../context.ts'
import {
  presentApiKey,
  presentCreatedApiKey,
  presentOrganization,
  presentRevokedApiKey,
} from '../present-account.ts'
import { platformCreatedAt } from '../store/store.ts'
import type { Handlers } from './server.ts'

export function accountHandlers(context: Context) {
  return {
    listApiKeys: async () => (await apiKeys.listApiKeys(context, 'user')).map(presentApiKey),
    createApiKey: async ({ body }) => {
      refuseScope(body)
      return presentCreatedApiKey(
        await apiKeys.createApiKey(context, { kind: 'user', name: body.key_name }),
      )
    },
    revokeApiKey: async ({ path }) =>
      presentRevokedApiKey(await apiKeys.revokeApiKey(context, 'user', path.key_id)),
    getCurrentUserInfo: async () => ({
      active_seconds_limit: 0,
      auth_accounts: [],
      email: owner.email,
      id: owner.id,
      image: '',
      login: owner.login,
      name: owner.name,
      last_name: '',
      projects_limit: 100_000,
      branches_limit: 100_000,
      max_autoscaling_limit: maxComputeUnits,
      plan: 'self_hosted',
    }),
    getCurrentUserOrganizations: async () => ({
      organizations: [presentOrganization(await platformCreatedAt(context.store))],
    }),
    getAuthDetails: async (_input, { apiKey }) => ({
      account_id: apiKey.kind === 'user' ? owner.id : organization.id,
      auth_method: `api_key_${apiKey.kind === 'user' ? 'user' : 'org'}`,
      auth_data: String(apiKey.id),
    }),
    getActiveRegions: async ({ query }) => {
      requireOrganization(query.org_id)
      return {
        regions: [
          {
            region_id: context.settings.region,
            name: 'This platform',
            default: true,
            geo_lat: '',
            geo_long: '',
          },
        ],
      }
    },
  } satisfies Partial<Handlers>
}

/** Neon would make a key for everything: whoever asks for less must not be given that. */
function refuseScope(body: object): void {
  if (!('project_id' in body)) return
  throw new AppError(
    'invalid_request',
    `a key of the owner reaches every project; make one for project ${String(body.project_id)} with POST /organizations/${organization.id}/api_keys`,
  )
}

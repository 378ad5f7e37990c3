import { AppError } from '../../lib/errors.ts'
import { newApiKey } from '../../lib/passwords.ts'
import type { Context } from '../context.ts'
import { organizationId, ownerId } from '../present.ts'
import { insertApiKey, listApiKeys, removeApiKey } from '../store/api-keys.ts'
import { hashApiKey } from './auth.ts'
import type { Handlers } from './server.ts'

/** There is one owner and one organization; Neon's clients expect to be told of both. */
export function accountHandlers(context: Context) {
  return {
    listApiKeys: async () =>
      (await listApiKeys(context.store)).map((row) => ({
        id: row.id,
        name: row.name,
        created_at: row.created_at.toISOString(),
        created_by: { id: ownerId, name: ownerId, image: '' },
        ...(row.last_used_at && { last_used_at: row.last_used_at.toISOString() }),
        last_used_from_addr: row.last_used_from_addr,
      })),
    createApiKey: async ({ body }) => {
      const key = newApiKey()
      const row = await insertApiKey(context.store, body.key_name, hashApiKey(key))
      return {
        id: row.id,
        key,
        name: row.name,
        created_at: row.created_at.toISOString(),
        created_by: ownerId,
      }
    },
    revokeApiKey: async ({ path }) => {
      const row = await removeApiKey(context.store, path.key_id)
      if (row === undefined) {
        throw new AppError('api_key_not_found', `API key ${path.key_id} does not exist`)
      }
      return {
        id: row.id,
        name: row.name,
        created_at: row.created_at.toISOString(),
        created_by: ownerId,
        revoked: true,
        last_used_from_addr: row.last_used_from_addr,
      }
    },
    getCurrentUserInfo: async () => ({
      active_seconds_limit: 0,
      billing_account: {},
      auth_accounts: [],
      email: 'owner@localhost',
      id: ownerId,
      image: '',
      login: ownerId,
      name: 'Owner',
      last_name: '',
      projects_limit: 100_000,
      branches_limit: 100_000,
      max_autoscaling_limit: 64,
      plan: 'self_hosted',
    }),
    getCurrentUserOrganizations: async () => ({
      organizations: [
        {
          id: organizationId,
          name: 'Coppice',
          handle: 'coppice',
          plan: 'self_hosted',
          managed_by: 'console',
          created_at: epoch,
          updated_at: epoch,
        },
      ],
    }),
    getAuthDetails: async (_input, caller) => ({
      account_id: ownerId,
      auth_method: 'api_key_user',
      auth_data: String(caller.apiKey.id),
    }),
    getActiveRegions: async () => ({
      regions: [
        {
          region_id: context.settings.region,
          name: 'This platform',
          default: true,
          geo_lat: '0',
          geo_long: '0',
        },
      ],
    }),
  } satisfies Partial<Handlers>
}

const epoch = '2026-01-01T00:00:00.000Z'

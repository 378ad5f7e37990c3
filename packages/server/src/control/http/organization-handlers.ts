import { requireMember, requireOrganization } from '../account.ts'
import * as apiKeys from '../api-keys.ts'
import type { Context } from '../context.ts'
import {
  presentApiKey,
  presentCreatedApiKey,
  presentMember,
  presentMemberWithUser,
  presentOrganization,
  presentRevokedApiKey,
} from '../present-account.ts'
import { platformCreatedAt } from '../store/store.ts'
import type { Handlers } from './server.ts'

export function organizationHandlers(context: Context) {
  return {
    getOrganization: async ({ path }) => {
      requireOrganization(path.org_id)
      return presentOrganization(await platformCreatedAt(context.store))
    },
    listOrgApiKeys: async ({ path }) => {
      requireOrganization(path.org_id)
      return (await apiKeys.listApiKeys(context, 'organization')).map(presentApiKey)
    },
    createOrgApiKey: async ({ path, body }) => {
      requireOrganization(path.org_id)
      return presentCreatedApiKey(
        await apiKeys.createApiKey(context, {
          kind: 'organization',
          name: body.key_name,
          projectId: body.project_id,
        }),
      )
    },
    revokeOrgApiKey: async ({ path }) => {
      requireOrganization(path.org_id)
      return presentRevokedApiKey(await apiKeys.revokeApiKey(context, 'organization', path.key_id))
    },
    getOrganizationMembers: async ({ path, query }) => {
      requireOrganization(path.org_id)
      return {
        members: [presentMemberWithUser(await platformCreatedAt(context.store))],
        pagination: {
          sort_by: query.sort_by ?? 'joined_at',
          sort_order: query.sort_order ?? 'desc',
        },
      }
    },
    getOrganizationMember: async ({ path }) => {
      requireMember(path.org_id, path.member_id)
      return presentMember(await platformCreatedAt(context.store))
    },
    getOrganizationInvitations: async ({ path }) => {
      requireOrganization(path.org_id)
      return { invitations: [] }
    },
  } satisfies Partial<Handlers>
}

import type { OrganizationApiKey } from '@coppice/api'

import { membership, organization, owner } from './account.ts'
import type { CreatedApiKey } from './api-keys.ts'
import type { ApiKeyRow } from './store/api-keys.ts'

/** The owner, the organization and their keys, as the API shows them. */

export const presentOrganization = (createdAt: Date) => ({
  ...organization,
  plan: 'self_hosted',
  managed_by: 'console',
  created_at: createdAt.toISOString(),
  updated_at: createdAt.toISOString(),
})

export const presentMember = (joinedAt: Date) => ({
  ...membership,
  joined_at: joinedAt.toISOString(),
})

export const presentMemberWithUser = (joinedAt: Date) => ({
  member: presentMember(joinedAt),
  user: { email: owner.email, has_mfa: false },
})

export function presentApiKey(row: ApiKeyRow): OrganizationApiKey {
  return {
    ...common(row),
    created_by: { id: owner.id, name: owner.name, image: '' },
    ...lastUse(row),
  }
}

/** The one answer that holds the key itself. */
export const presentCreatedApiKey = ({ row, key }: CreatedApiKey) => ({
  ...common(row),
  key,
  created_by: owner.id,
})

export const presentRevokedApiKey = (row: ApiKeyRow) => ({
  ...common(row),
  created_by: owner.id,
  revoked: true,
  ...lastUse(row),
})

const common = (row: ApiKeyRow) => ({
  id: row.id,
  name: row.name,
  created_at: row.created_at.toISOString(),
  ...(row.project_id !== null && { project_id: row.project_id }),
})

const lastUse = (row: ApiKeyRow) => ({
  ...(row.last_used_at && { last_used_at: row.last_used_at.toISOString() }),
  last_used_from_addr: row.last_used_from_addr,
})

import { AppError } from '../lib/errors.ts'

/**
 * The one user and the one organization of a platform. Neon's clients expect to be told of both, by
 * UUIDs and addresses of the form that it documents.
 */
export const owner = {
  id: '00000000-0000-4000-8000-000000000001',
  login: 'owner',
  name: 'Owner',
  email: 'owner@coppice.localhost',
}

export const organization = {
  id: 'org-coppice',
  name: 'Coppice',
  handle: 'coppice',
}

/** The owner, as a member of the organization. */
export const membership = {
  id: '00000000-0000-4000-8000-000000000002',
  user_id: owner.id,
  org_id: organization.id,
  role: 'admin' as const,
}

/** Refuses the id of another organization, which a script brought from Neon may carry. */
export function requireOrganization(id: string | undefined): void {
  if (id === undefined || id === organization.id) return
  throw new AppError(
    'org_not_found',
    `organization ${id} does not exist; this platform has one, ${organization.id}`,
  )
}

export function requireMember(organizationId: string, memberId: string): void {
  requireOrganization(organizationId)
  if (memberId === membership.id) return
  throw new AppError('member_not_found', `member ${memberId} does not exist`)
}

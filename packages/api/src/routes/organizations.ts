import { Type } from 'typebox'

import {
  Member,
  MemberWithUser,
  Organization,
  OrganizationApiKey,
  OrganizationApiKeyCreate,
  OrganizationApiKeyCreated,
  OrganizationApiKeyRevoked,
} from '../account.ts'
import { Uuid } from '../ids.ts'
import { Cursor, KeyPath, OrganizationPath, SortOrder } from '../paths.ts'
import { route } from '../route.ts'

const tag = 'Organizations'

/** There is one organization, and its one member is the platform's owner. */
export const organizationRoutes = {
  getOrganization: route('getOrganization', {
    summary: 'Get the organization',
    tag,
    path: OrganizationPath,
    status: 200,
    response: Organization,
  }),
  listOrgApiKeys: route('listOrgApiKeys', {
    summary: 'List the API keys of the organization, also those for one project',
    tag,
    path: OrganizationPath,
    status: 200,
    response: Type.Array(OrganizationApiKey),
  }),
  createOrgApiKey: route('createOrgApiKey', {
    summary: 'Create an API key of the organization, or for one project; shown once',
    tag,
    path: OrganizationPath,
    body: OrganizationApiKeyCreate,
    status: 200,
    response: OrganizationApiKeyCreated,
  }),
  revokeOrgApiKey: route('revokeOrgApiKey', {
    summary: 'Revoke an API key of the organization',
    tag,
    path: Type.Object({ ...OrganizationPath.properties, ...KeyPath.properties }),
    status: 200,
    response: OrganizationApiKeyRevoked,
  }),
  getOrganizationMembers: route('getOrganizationMembers', {
    summary: 'List members of the organization',
    tag,
    path: OrganizationPath,
    query: Type.Object({
      sort_by: Type.Optional(
        Type.Union([Type.Literal('email'), Type.Literal('role'), Type.Literal('joined_at')]),
      ),
      sort_order: SortOrder,
      cursor: Cursor,
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
    }),
    status: 200,
    response: Type.Object({
      members: Type.Array(MemberWithUser),
      pagination: Type.Object({ sort_by: Type.String(), sort_order: Type.String() }),
    }),
  }),
  getOrganizationMember: route('getOrganizationMember', {
    summary: 'Get a member of the organization',
    tag,
    path: Type.Object({ ...OrganizationPath.properties, member_id: Uuid }),
    status: 200,
    response: Member,
  }),
  getOrganizationInvitations: route('getOrganizationInvitations', {
    summary: 'List invitations to the organization: always none',
    tag,
    path: OrganizationPath,
    status: 200,
    response: Type.Object({ invitations: Type.Array(Type.Never()) }),
  }),
}

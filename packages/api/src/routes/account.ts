import { Type } from 'typebox'

import {
  ApiKey,
  ApiKeyCreate,
  ApiKeyCreated,
  ApiKeyRevoked,
  AuthDetails,
  CurrentUser,
  Organization,
  Region,
} from '../account.ts'
import { Id } from '../ids.ts'
import { KeyPath } from '../paths.ts'
import { route } from '../route.ts'

export const accountRoutes = {
  listApiKeys: route('listApiKeys', {
    summary: 'List API keys',
    tag: 'API Key',
    status: 200,
    response: Type.Array(ApiKey),
  }),
  createApiKey: route('createApiKey', {
    summary: 'Create an API key, shown once',
    tag: 'API Key',
    body: ApiKeyCreate,
    status: 200,
    response: ApiKeyCreated,
  }),
  revokeApiKey: route('revokeApiKey', {
    summary: 'Revoke an API key',
    tag: 'API Key',
    path: KeyPath,
    status: 200,
    response: ApiKeyRevoked,
  }),
  getCurrentUserInfo: route('getCurrentUserInfo', {
    summary: 'Get the caller',
    tag: 'Users',
    status: 200,
    response: CurrentUser,
  }),
  getCurrentUserOrganizations: route('getCurrentUserOrganizations', {
    summary: 'List the organizations of the caller: the one that there is',
    tag: 'Users',
    status: 200,
    response: Type.Object({ organizations: Type.Array(Organization) }),
  }),
  getAuthDetails: route('getAuthDetails', {
    summary: 'Get how the caller is authenticated',
    tag: 'Users',
    status: 200,
    response: AuthDetails,
  }),
  getActiveRegions: route('getActiveRegions', {
    summary: 'List regions: this platform',
    tag: 'Region',
    query: Type.Object({ org_id: Type.Optional(Id) }),
    status: 200,
    response: Type.Object({ regions: Type.Array(Region) }),
  }),
}

import { Type } from 'typebox'

import {
  ApiKey,
  ApiKeyCreated,
  ApiKeyRevoked,
  AuthDetails,
  CurrentUser,
  Organization,
  Region,
} from '../account.ts'
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
    body: Type.Object({ key_name: Type.String({ minLength: 1, maxLength: 64 }) }),
    status: 200,
    response: ApiKeyCreated,
  }),
  revokeApiKey: route('revokeApiKey', {
    summary: 'Revoke an API key',
    tag: 'API Key',
    path: Type.Object({ key_id: Type.Integer({ minimum: 1, maximum: 2_147_483_647 }) }),
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
    status: 200,
    response: Type.Object({ regions: Type.Array(Region) }),
  }),
}

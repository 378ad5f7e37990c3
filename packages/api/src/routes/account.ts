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
  listApiKeys: route({
    method: 'GET',
    url: '/api_keys',
    summary: 'List API keys',
    tag: 'API Key',
    status: 200,
    response: Type.Array(ApiKey),
  }),
  createApiKey: route({
    method: 'POST',
    url: '/api_keys',
    summary: 'Create an API key, shown once',
    tag: 'API Key',
    body: Type.Object({ key_name: Type.String({ minLength: 1, maxLength: 64 }) }),
    status: 200,
    response: ApiKeyCreated,
  }),
  revokeApiKey: route({
    method: 'DELETE',
    url: '/api_keys/:key_id',
    summary: 'Revoke an API key',
    tag: 'API Key',
    path: Type.Object({ key_id: Type.Integer({ minimum: 1, maximum: 2_147_483_647 }) }),
    status: 200,
    response: ApiKeyRevoked,
  }),
  getCurrentUserInfo: route({
    method: 'GET',
    url: '/users/me',
    summary: 'Get the caller',
    tag: 'Users',
    status: 200,
    response: CurrentUser,
  }),
  getCurrentUserOrganizations: route({
    method: 'GET',
    url: '/users/me/organizations',
    summary: 'List the organizations of the caller: the one that there is',
    tag: 'Users',
    status: 200,
    response: Type.Object({ organizations: Type.Array(Organization) }),
  }),
  getAuthDetails: route({
    method: 'GET',
    url: '/auth',
    summary: 'Get how the caller is authenticated',
    tag: 'Users',
    status: 200,
    response: AuthDetails,
  }),
  getActiveRegions: route({
    method: 'GET',
    url: '/regions',
    summary: 'List regions: this platform',
    tag: 'Region',
    status: 200,
    response: Type.Object({ regions: Type.Array(Region) }),
  }),
}

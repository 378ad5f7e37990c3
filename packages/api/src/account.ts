import { type Static, Type } from 'typebox'

import { Id, Timestamp, Uuid } from './ids.ts'

/** Of an organization's key: the one project that it reaches, where it is for one. */
const KeyScope = { project_id: Type.Optional(Id) }

export const ApiKey = Type.Object({
  id: Type.Integer(),
  name: Type.String(),
  created_at: Timestamp,
  created_by: Type.Object({ id: Uuid, name: Type.String(), image: Type.String() }),
  last_used_at: Type.Optional(Timestamp),
  last_used_from_addr: Type.String(),
})
export type ApiKey = Static<typeof ApiKey>

export const OrganizationApiKey = Type.Object({ ...ApiKey.properties, ...KeyScope })
export type OrganizationApiKey = Static<typeof OrganizationApiKey>

export const ApiKeyCreate = Type.Object({ key_name: Type.String({ minLength: 1, maxLength: 64 }) })
export const OrganizationApiKeyCreate = Type.Object({ ...ApiKeyCreate.properties, ...KeyScope })

export const ApiKeyCreated = Type.Object({
  id: Type.Integer(),
  /** The key itself, shown this once; only its hash is kept. */
  key: Type.String(),
  name: Type.String(),
  created_at: Timestamp,
  created_by: Uuid,
})
export const OrganizationApiKeyCreated = Type.Object({ ...ApiKeyCreated.properties, ...KeyScope })

export const ApiKeyRevoked = Type.Object({
  id: Type.Integer(),
  name: Type.String(),
  created_at: Timestamp,
  created_by: Uuid,
  revoked: Type.Boolean(),
  last_used_at: Type.Optional(Timestamp),
  last_used_from_addr: Type.String(),
})
export const OrganizationApiKeyRevoked = Type.Object({ ...ApiKeyRevoked.properties, ...KeyScope })

export const CurrentUser = Type.Object({
  active_seconds_limit: Type.Integer(),
  auth_accounts: Type.Array(Type.Record(Type.String(), Type.Unknown())),
  email: Type.String(),
  id: Type.String(),
  image: Type.String(),
  login: Type.String(),
  name: Type.String(),
  last_name: Type.String(),
  projects_limit: Type.Integer(),
  branches_limit: Type.Integer(),
  max_autoscaling_limit: Type.Number(),
  plan: Type.String(),
})

export const Organization = Type.Object({
  id: Type.String(),
  name: Type.String(),
  handle: Type.String(),
  plan: Type.String(),
  managed_by: Type.String(),
  created_at: Timestamp,
  updated_at: Timestamp,
})

export const Member = Type.Object({
  id: Uuid,
  user_id: Uuid,
  org_id: Id,
  role: Type.Literal('admin'),
  joined_at: Timestamp,
})

export const MemberWithUser = Type.Object({
  member: Member,
  user: Type.Object({ email: Type.String(), has_mfa: Type.Boolean() }),
})

export const AuthDetails = Type.Object({
  account_id: Type.String(),
  auth_method: Type.String(),
  auth_data: Type.Optional(Type.String()),
})

export const Region = Type.Object({
  region_id: Type.String(),
  name: Type.String(),
  default: Type.Boolean(),
  geo_lat: Type.String(),
  geo_long: Type.String(),
})

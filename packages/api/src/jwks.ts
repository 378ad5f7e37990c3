import { type Static, Type } from 'typebox'

import { Id, Timestamp } from './ids.ts'

/** Where a project's JSON Web Keys are: who may log in with a token of that issuer. */
export const Jwks = Type.Object({
  id: Type.String(),
  project_id: Id,
  /** The one branch that it is for; all of the project's without it. */
  branch_id: Type.Optional(Id),
  jwks_url: Type.String(),
  provider_name: Type.String(),
  jwt_audience: Type.Optional(Type.String()),
  role_names: Type.Optional(Type.Array(Type.String())),
  created_at: Timestamp,
  updated_at: Timestamp,
})
export type Jwks = Static<typeof Jwks>

const shortText = Type.String({ minLength: 1, maxLength: 256 })

export const JwksCreate = Type.Object({
  jwks_url: Type.String({ minLength: 1, maxLength: 2048 }),
  provider_name: shortText,
  branch_id: Type.Optional(shortText),
  jwt_audience: Type.Optional(shortText),
  role_names: Type.Optional(Type.Array(Type.String(), { maxItems: 10 })),
  skip_role_creation: Type.Optional(Type.Boolean()),
})
export type JwksCreate = Static<typeof JwksCreate>

import { type Static, Type } from 'typebox'

import { Id, Timestamp } from './ids.ts'

export const Role = Type.Object({
  branch_id: Id,
  name: Type.String(),
  /** Present only in the answer that made it. */
  password: Type.Optional(Type.String()),
  protected: Type.Boolean(),
  authentication_method: Type.Optional(Type.String()),
  created_at: Timestamp,
  updated_at: Timestamp,
})
export type Role = Static<typeof Role>

export const RoleCreate = Type.Object({
  role: Type.Object({
    name: Type.String({ minLength: 1 }),
    no_login: Type.Optional(Type.Boolean()),
  }),
})

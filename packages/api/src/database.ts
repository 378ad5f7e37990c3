import { type Static, Type } from 'typebox'

import { Id, Timestamp } from './ids.ts'

export const Database = Type.Object({
  id: Type.Integer(),
  branch_id: Id,
  name: Type.String(),
  owner_name: Type.String(),
  created_at: Timestamp,
  updated_at: Timestamp,
  size_bytes: Type.Optional(Type.Integer()),
})
export type Database = Static<typeof Database>

export const DatabaseCreate = Type.Object({
  database: Type.Object({
    name: Type.String({ minLength: 1 }),
    owner_name: Type.String({ minLength: 1 }),
  }),
})

export const DatabaseUpdate = Type.Object({
  database: Type.Object({
    name: Type.Optional(Type.String({ minLength: 1 })),
    owner_name: Type.Optional(Type.String({ minLength: 1 })),
  }),
})

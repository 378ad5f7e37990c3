import { type Static, Type } from 'typebox'

import { Id, Timestamp, Uuid } from './ids.ts'

const name = Type.String({ minLength: 1, maxLength: 200 })
const sql = Type.String({ minLength: 1, maxLength: 50_000 })

/** SQL that a project keeps under a name. */
export const SavedQuery = Type.Object({
  id: Uuid,
  project_id: Id,
  name,
  sql,
  created_at: Timestamp,
  updated_at: Timestamp,
})
export type SavedQuery = Static<typeof SavedQuery>

export const SavedQueryCreate = Type.Object({ saved_query: Type.Object({ name, sql }) })
export type SavedQueryCreate = Static<typeof SavedQueryCreate>

export const SavedQueryUpdate = Type.Object({
  saved_query: Type.Object({ name: Type.Optional(name), sql: Type.Optional(sql) }),
})
export type SavedQueryUpdate = Static<typeof SavedQueryUpdate>

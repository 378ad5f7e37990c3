import { Type } from 'typebox'

import { Timestamp } from '../ids.ts'
import { BranchPath } from '../paths.ts'
import { route } from '../route.ts'
import { DatabaseTables } from '../schema.ts'

const Lsn = Type.String({ pattern: '^[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}$' })
const databaseName = Type.String({ minLength: 1, maxLength: 63 })

/** The schema of a database, and how two differ. */
export const schemaRoutes = {
  getProjectBranchSchema: route('getProjectBranchSchema', {
    summary: 'Get the schema of a database, now or at a moment, as SQL or JSON',
    tag: 'Branch',
    path: BranchPath,
    query: Type.Object({
      db_name: databaseName,
      lsn: Type.Optional(Lsn),
      timestamp: Type.Optional(Timestamp),
      format: Type.Optional(Type.Union([Type.Literal('sql'), Type.Literal('json')])),
    }),
    status: 200,
    response: Type.Object({
      sql: Type.Optional(Type.String()),
      json: Type.Optional(DatabaseTables),
    }),
  }),
  getProjectBranchSchemaComparison: route('getProjectBranchSchemaComparison', {
    summary: 'Compare the schema of a database with that of another branch or moment',
    tag: 'Branch',
    path: BranchPath,
    query: Type.Object({
      /** The parent unless given. */
      base_branch_id: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
      db_name: databaseName,
      lsn: Type.Optional(Lsn),
      timestamp: Type.Optional(Timestamp),
      base_lsn: Type.Optional(Lsn),
      base_timestamp: Type.Optional(Timestamp),
    }),
    status: 200,
    response: Type.Object({ diff: Type.Optional(Type.String()) }),
  }),
}

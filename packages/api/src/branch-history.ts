import { type Static, Type } from 'typebox'

import { Id, Timestamp } from './ids.ts'

const Point = Type.Object({ timestamp: Timestamp, lsn: Type.String() })

/** What of a branch's past can be reached, and what keeping it costs. */
export const BranchHistory = Type.Object({
  /** Of the project. */
  retention_seconds: Type.Integer(),
  /** The first moment that can be reached; absent where none can yet. */
  earliest: Type.Optional(Point),
  /** The last one: now, or when the branch was last written to. */
  latest: Type.Optional(Point),
  /** The lines that its past runs through, its own first, each with the branch that has it now. */
  lines: Type.Array(
    Type.Object({
      branch_id: Id,
      branch_name: Type.String(),
      deleted: Type.Boolean(),
      /** Where the line above left this one; absent for the branch's own. */
      until: Type.Optional(
        Type.Object({ timestamp: Timestamp, lsn: Type.Optional(Type.String()) }),
      ),
      /** Where recoveries can begin. */
      snapshots: Type.Array(Point),
    }),
  ),
  /** Of the branch's own line: WAL that is kept, as its files count; clones of live files cost nothing yet. */
  wal_bytes: Type.Integer(),
  /** Bytes that only its snapshots hold; absent where the file system cannot tell. */
  snapshot_bytes: Type.Optional(Type.Integer()),
})
export type BranchHistory = Static<typeof BranchHistory>

import { Type } from 'typebox'

import { Id } from './ids.ts'

/**
 * Path and query parameters that several routes share. A branch is addressed by its id; the API also
 * takes its URL-encoded name, which saves scripts a look-up and never clashes: ids start with `br-`.
 */
const Name = Type.String({ minLength: 1, maxLength: 256 })

export const ProjectPath = Type.Object({ project_id: Id })
export const BranchPath = Type.Object({ project_id: Id, branch_id: Name })
export const RolePath = Type.Object({ project_id: Id, branch_id: Name, role_name: Name })
export const DatabasePath = Type.Object({ project_id: Id, branch_id: Name, database_name: Name })
export const EndpointPath = Type.Object({ project_id: Id, endpoint_id: Id })
/** By its id or name. */
export const ComputePath = Type.Object({ project_id: Id, compute_id: Name })
export const OrganizationPath = Type.Object({ org_id: Id })
/** Neon's is an int64; keys of this platform count up from 1. */
export const KeyPath = Type.Object({
  key_id: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
})
export const SavedQueryPath = Type.Object({ project_id: Id, saved_query_id: Id })
export const SnapshotPath = Type.Object({ project_id: Id, snapshot_id: Id })

/** Of lists that page by `pagination.cursor`: absent on the last page. */
export const CursorPagination = Type.Optional(
  Type.Object({ cursor: Type.String({ minLength: 1 }) }),
)

export const Cursor = Type.Optional(Type.String({ maxLength: 512 }))
export const SortOrder = Type.Optional(Type.Union([Type.Literal('asc'), Type.Literal('desc')]))

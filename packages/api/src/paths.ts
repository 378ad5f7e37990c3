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
export const SnapshotPath = Type.Object({ project_id: Id, snapshot_id: Id })

export const Cursor = Type.Optional(Type.String({ maxLength: 512 }))
export const SortOrder = Type.Optional(Type.Union([Type.Literal('asc'), Type.Literal('desc')]))

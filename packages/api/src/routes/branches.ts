import { Type } from 'typebox'

import { Annotation, Branch, BranchCreate, BranchUpdate } from '../branch.ts'
import { ConnectionDetails } from '../connection.ts'
import { Database, DatabaseCreate, DatabaseUpdate } from '../database.ts'
import { Endpoint } from '../endpoint.ts'
import { Operation } from '../operation.ts'
import { BranchPath, Cursor, DatabasePath, ProjectPath, RolePath, SortOrder } from '../paths.ts'
import { Role, RoleCreate } from '../role.ts'
import { route } from '../route.ts'

const tag = 'Branch'
const Operations = Type.Array(Operation)
const BranchAnswer = Type.Object({ branch: Branch, operations: Operations })
export const CreatedBranchAnswer = Type.Object({
  branch: Branch,
  endpoints: Type.Array(Endpoint),
  operations: Operations,
  roles: Type.Array(Role),
  databases: Type.Array(Database),
  connection_uris: Type.Optional(Type.Array(ConnectionDetails)),
})
const RoleAnswer = Type.Object({ role: Role, operations: Operations })
const DatabaseAnswer = Type.Object({ database: Database, operations: Operations })

export const branchRoutes = {
  listProjectBranches: route('listProjectBranches', {
    summary: 'List branches',
    tag,
    path: ProjectPath,
    query: Type.Object({
      search: Type.Optional(Type.String({ maxLength: 256 })),
      sort_by: Type.Optional(
        Type.Union([Type.Literal('name'), Type.Literal('created_at'), Type.Literal('updated_at')]),
      ),
      sort_order: SortOrder,
      cursor: Cursor,
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
      include_deleted: Type.Optional(Type.Boolean()),
    }),
    status: 200,
    response: Type.Object({
      branches: Type.Array(Branch),
      /** By the id of the branch that each is on. */
      annotations: Type.Record(Type.String(), Annotation),
      pagination: Type.Object({
        next: Type.Optional(Type.String()),
        sort_by: Type.String(),
        sort_order: Type.String(),
      }),
    }),
  }),
  countProjectBranches: route('countProjectBranches', {
    summary: 'Count branches',
    tag,
    path: ProjectPath,
    query: Type.Object({ search: Type.Optional(Type.String({ maxLength: 256 })) }),
    status: 200,
    response: Type.Object({ count: Type.Integer() }),
  }),
  createProjectBranch: route('createProjectBranch', {
    summary: 'Create a branch of a live parent',
    tag,
    path: ProjectPath,
    body: Type.Union([BranchCreate, Type.Null()]),
    status: 201,
    response: CreatedBranchAnswer,
  }),
  getProjectBranch: route('getProjectBranch', {
    summary: 'Get a branch',
    tag,
    path: BranchPath,
    status: 200,
    response: Type.Object({ branch: Branch, annotation: Annotation }),
  }),
  updateProjectBranch: route('updateProjectBranch', {
    summary: 'Rename a branch, protect it or let it expire',
    tag,
    path: BranchPath,
    body: BranchUpdate,
    status: 200,
    response: BranchAnswer,
  }),
  deleteProjectBranch: route('deleteProjectBranch', {
    summary: 'Delete a branch; recoverable until its recovery window ends, unless hard_delete',
    tag,
    path: BranchPath,
    query: Type.Object({ hard_delete: Type.Optional(Type.Boolean()) }),
    status: 200,
    response: BranchAnswer,
    absent: 'branch_not_found',
  }),
  recoverProjectBranch: route('recoverProjectBranch', {
    summary: 'Bring a deleted branch back',
    tag,
    path: BranchPath,
    status: 200,
    response: Type.Object({ ...BranchAnswer.properties, endpoints: Type.Array(Endpoint) }),
  }),
  setDefaultProjectBranch: route('setDefaultProjectBranch', {
    summary: 'Make a branch the one that is used when none is named',
    tag,
    path: BranchPath,
    status: 200,
    response: BranchAnswer,
  }),
  listProjectBranchEndpoints: route('listProjectBranchEndpoints', {
    summary: 'List the endpoints of a branch',
    tag,
    path: BranchPath,
    status: 200,
    response: Type.Object({ endpoints: Type.Array(Endpoint) }),
  }),
  listProjectBranchDatabases: route('listProjectBranchDatabases', {
    summary: 'List databases',
    tag,
    path: BranchPath,
    status: 200,
    response: Type.Object({ databases: Type.Array(Database) }),
  }),
  createProjectBranchDatabase: route('createProjectBranchDatabase', {
    summary: 'Create a database',
    tag,
    path: BranchPath,
    body: DatabaseCreate,
    status: 201,
    response: DatabaseAnswer,
  }),
  getProjectBranchDatabase: route('getProjectBranchDatabase', {
    summary: 'Get a database',
    tag,
    path: DatabasePath,
    status: 200,
    response: Type.Object({ database: Database }),
  }),
  updateProjectBranchDatabase: route('updateProjectBranchDatabase', {
    summary: 'Rename a database or give it another owner',
    tag,
    path: DatabasePath,
    body: DatabaseUpdate,
    status: 200,
    response: DatabaseAnswer,
  }),
  deleteProjectBranchDatabase: route('deleteProjectBranchDatabase', {
    summary: 'Drop a database',
    tag,
    path: DatabasePath,
    status: 200,
    response: DatabaseAnswer,
    absent: 'database_not_found',
  }),
  listProjectBranchRoles: route('listProjectBranchRoles', {
    summary: 'List roles',
    tag,
    path: BranchPath,
    status: 200,
    response: Type.Object({ roles: Type.Array(Role) }),
  }),
  createProjectBranchRole: route('createProjectBranchRole', {
    summary: 'Create a role with a new password',
    tag,
    path: BranchPath,
    body: RoleCreate,
    status: 201,
    response: RoleAnswer,
  }),
  getProjectBranchRole: route('getProjectBranchRole', {
    summary: 'Get a role',
    tag,
    path: RolePath,
    status: 200,
    response: Type.Object({ role: Role }),
  }),
  deleteProjectBranchRole: route('deleteProjectBranchRole', {
    summary: 'Drop a role; what it owns goes to the owner of the database',
    tag,
    path: RolePath,
    status: 200,
    response: RoleAnswer,
    absent: 'role_not_found',
  }),
  getProjectBranchRolePassword: route('getProjectBranchRolePassword', {
    summary: 'Get the password of a role, where it is stored',
    tag,
    path: RolePath,
    status: 200,
    response: Type.Object({ password: Type.String() }),
  }),
  resetProjectBranchRolePassword: route('resetProjectBranchRolePassword', {
    summary: 'Give a role a new password',
    tag,
    path: RolePath,
    status: 200,
    response: RoleAnswer,
  }),
}

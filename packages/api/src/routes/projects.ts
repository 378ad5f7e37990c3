import { Type } from 'typebox'

import { Branch } from '../branch.ts'
import { ConnectionDetails } from '../connection.ts'
import { Database } from '../database.ts'
import { Endpoint } from '../endpoint.ts'
import { Id } from '../ids.ts'
import { Operation } from '../operation.ts'
import { Cursor, CursorPagination, ProjectPath } from '../paths.ts'
import {
  PreloadLibrary,
  Project,
  ProjectCreate,
  ProjectLimits,
  ProjectPermission,
  ProjectUpdate,
} from '../project.ts'
import { Role } from '../role.ts'
import { route } from '../route.ts'

const tag = 'Project'
const Operations = Type.Array(Operation)
/** Milliseconds that Neon may take to ask its regions; here one store answers, sooner than the least. */
const ListTimeout = Type.Optional(Type.Integer({ minimum: 100, maximum: 30_000 }))

export const projectRoutes = {
  listProjects: route('listProjects', {
    summary: 'List projects',
    tag,
    query: Type.Object({
      cursor: Cursor,
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 400 })),
      search: Type.Optional(Type.String({ maxLength: 256 })),
      org_id: Type.Optional(Id),
      timeout: ListTimeout,
      recoverable: Type.Optional(Type.Boolean()),
    }),
    status: 200,
    response: Type.Object({
      projects: Type.Array(Project),
      pagination: CursorPagination,
      applications: Type.Record(Type.String(), Type.Unknown()),
      integrations: Type.Record(Type.String(), Type.Unknown()),
    }),
  }),
  listSharedProjects: route('listSharedProjects', {
    summary: 'List projects shared with the caller: always none, there is one organization',
    tag,
    query: Type.Object({
      cursor: Cursor,
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 400 })),
      search: Type.Optional(Type.String({ maxLength: 256 })),
      timeout: ListTimeout,
    }),
    status: 200,
    response: Type.Object({
      projects: Type.Array(Project),
      pagination: CursorPagination,
    }),
  }),
  createProject: route('createProject', {
    summary: 'Create a project with its root branch, role, database and read-write endpoint',
    tag,
    body: ProjectCreate,
    status: 201,
    response: Type.Object({
      project: Project,
      connection_uris: Type.Array(ConnectionDetails),
      roles: Type.Array(Role),
      databases: Type.Array(Database),
      operations: Operations,
      branch: Branch,
      endpoints: Type.Array(Endpoint),
    }),
  }),
  getProject: route('getProject', {
    summary: 'Get a project',
    tag,
    path: ProjectPath,
    status: 200,
    response: Type.Object({ project: Project }),
  }),
  updateProject: route('updateProject', {
    summary: 'Change a project',
    tag,
    path: ProjectPath,
    body: ProjectUpdate,
    status: 200,
    response: Type.Object({ project: Project, operations: Operations }),
  }),
  deleteProject: route('deleteProject', {
    summary: 'Delete a project; recoverable until its recovery window ends',
    tag,
    path: ProjectPath,
    query: Type.Object({ hard_delete: Type.Optional(Type.Boolean()) }),
    status: 200,
    response: Type.Object({ project: Project }),
  }),
  recoverProject: route('recoverProject', {
    summary: 'Bring a deleted project back',
    tag,
    path: ProjectPath,
    status: 200,
    response: Type.Object({ project: Project, branches: Type.Array(Branch) }),
  }),
  getAvailablePreloadLibraries: route('getAvailablePreloadLibraries', {
    summary: 'List the libraries that computes of a project can preload',
    tag,
    path: ProjectPath,
    status: 200,
    response: Type.Object({ libraries: Type.Array(PreloadLibrary) }),
  }),
  listProjectPermissions: route('listProjectPermissions', {
    summary: 'List the accounts that a project is shared with: always none, there is one owner',
    tag,
    path: ProjectPath,
    status: 200,
    response: Type.Object({ project_permissions: Type.Array(ProjectPermission) }),
  }),
  grantPermissionToProject: route('grantPermissionToProject', {
    summary: 'Share a project with an account: refused, make an API key for the project instead',
    tag,
    path: ProjectPath,
    body: Type.Object({ email: Type.String({ format: 'email', maxLength: 256 }) }),
    status: 200,
    response: ProjectPermission,
  }),
  getProjectLimits: route('getProjectLimits', {
    summary: 'Get the limits of a project; -1 is none',
    tag,
    path: ProjectPath,
    status: 200,
    response: Type.Object({ limits: ProjectLimits }),
  }),
  getConnectionURI: route('getConnectionURI', {
    summary: 'Get a connection string',
    tag,
    path: ProjectPath,
    query: Type.Object({
      branch_id: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
      endpoint_id: Type.Optional(Id),
      database_name: Type.String({ minLength: 1 }),
      role_name: Type.String({ minLength: 1 }),
      pooled: Type.Optional(Type.Boolean()),
    }),
    status: 200,
    response: Type.Object({ uri: Type.String() }),
  }),
}

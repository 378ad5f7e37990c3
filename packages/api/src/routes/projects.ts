import { Type } from 'typebox'

import { Branch } from '../branch.ts'
import { ConnectionDetails } from '../connection.ts'
import { Database } from '../database.ts'
import { Endpoint } from '../endpoint.ts'
import { Operation } from '../operation.ts'
import { Cursor, ProjectPath } from '../paths.ts'
import { Project, ProjectCreate, ProjectUpdate } from '../project.ts'
import { Role } from '../role.ts'
import { route } from '../route.ts'

const tag = 'Project'
const Operations = Type.Array(Operation)

export const projectRoutes = {
  listProjects: route('listProjects', {
    summary: 'List projects',
    tag,
    query: Type.Object({
      cursor: Cursor,
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 400 })),
      search: Type.Optional(Type.String({ maxLength: 256 })),
      org_id: Type.Optional(Type.String()),
      timeout: Type.Optional(Type.Integer()),
      recoverable: Type.Optional(Type.Boolean()),
    }),
    status: 200,
    response: Type.Object({
      projects: Type.Array(Project),
      pagination: Type.Object({ cursor: Type.Optional(Type.String()) }),
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
      timeout: Type.Optional(Type.Integer()),
    }),
    status: 200,
    response: Type.Object({
      projects: Type.Array(Project),
      pagination: Type.Object({ cursor: Type.Optional(Type.String()) }),
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
    response: Type.Object({ project: Project }),
  }),
  getConnectionURI: route('getConnectionURI', {
    summary: 'Get a connection string',
    tag,
    path: ProjectPath,
    query: Type.Object({
      branch_id: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
      endpoint_id: Type.Optional(Type.String()),
      database_name: Type.String({ minLength: 1 }),
      role_name: Type.String({ minLength: 1 }),
      pooled: Type.Optional(Type.Boolean()),
    }),
    status: 200,
    response: Type.Object({ uri: Type.String() }),
  }),
}

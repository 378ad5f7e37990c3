import * as branches from '../branches.ts'
import type { Context } from '../context.ts'
import * as databases from '../databases.ts'
import { withLiveState } from '../endpoints.ts'
import { requireBranch, requireProject } from '../lookups.ts'
import {
  presentAnnotation,
  presentAnnotations,
  presentBranch,
  presentDatabase,
  presentEndpoint,
  presentOperation,
  presentRole,
} from '../present.ts'
import * as roles from '../roles.ts'
import { countBranches, listBranches } from '../store/branches.ts'
import { type EndpointRow, listBranchEndpoints } from '../store/endpoints.ts'
import { decodeCursor, encodeCursor } from './paging.ts'
import type { Handlers } from './server.ts'

/** Neon's own default; its CLI asks for a hundred at a time. */
const defaultPageSize = 1000

export function branchHandlers(context: Context) {
  return {
    ...branchResource(context),
    ...databaseResource(context),
    ...roleResource(context),
  } satisfies Partial<Handlers>
}

/** A new branch, as both routes that make one answer it. */
export function createdAnswer(context: Context, made: branches.CreatedBranch) {
  return {
    branch: presentBranch(made.branch),
    endpoints: made.endpoints.map((row) =>
      presentEndpoint(withLiveState(context, row), context.settings),
    ),
    operations: made.operations.map(presentOperation),
    roles: made.roles.map((role) => presentRole(role)),
    databases: made.databases.map(presentDatabase),
    ...(made.connections && { connection_uris: made.connections }),
  }
}

function branchResource(context: Context) {
  const present = (row: EndpointRow) =>
    presentEndpoint(withLiveState(context, row), context.settings)
  return {
    listProjectBranches: async ({ path, query }) => {
      await requireProject(context, path.project_id)
      const sortBy = query.sort_by ?? 'updated_at'
      const sortOrder = query.sort_order ?? 'desc'
      const limit = query.limit ?? defaultPageSize
      const rows = await listBranches(context.store, {
        projectId: path.project_id,
        search: query.search,
        sortBy,
        sortOrder,
        limit,
        after: decodeCursor(query.cursor, sortBy),
        includeDeleted: query.include_deleted ?? false,
      })
      const last = rows.length === limit ? rows.at(-1) : undefined
      return {
        branches: rows.map(presentBranch),
        annotations: presentAnnotations(rows),
        pagination: {
          ...(last && { next: encodeCursor(last, sortBy) }),
          sort_by: sortBy,
          sort_order: sortOrder,
        },
      }
    },
    countProjectBranches: async ({ path, query }) => {
      await requireProject(context, path.project_id)
      return { count: await countBranches(context.store, path.project_id, query.search) }
    },
    createProjectBranch: async ({ path, body }) =>
      createdAnswer(context, await branches.createBranch(context, path.project_id, body ?? {})),
    getProjectBranch: async ({ path }) => {
      const branch = await requireBranch(context, path.project_id, path.branch_id)
      return { branch: presentBranch(branch), annotation: presentAnnotation(branch) }
    },
    updateProjectBranch: async ({ path, body }) => ({
      branch: presentBranch(
        await branches.updateBranch(context, path.project_id, path.branch_id, body.branch),
      ),
      operations: [],
    }),
    deleteProjectBranch: async ({ path, query }) => {
      const { branch, operation } = await branches.deleteBranch(
        context,
        path.project_id,
        path.branch_id,
        query.hard_delete ?? false,
      )
      return { branch: presentBranch(branch), operations: [presentOperation(operation)] }
    },
    recoverProjectBranch: async ({ path }) => {
      const branch = await branches.recoverBranch(context, path.project_id, path.branch_id)
      const endpoints = await listBranchEndpoints(context.store, branch.id)
      return {
        branch: presentBranch(branch),
        endpoints: endpoints.map(present),
        operations: [],
      }
    },
    setDefaultProjectBranch: async ({ path }) => ({
      branch: presentBranch(
        await branches.setDefaultBranch(context, path.project_id, path.branch_id),
      ),
      operations: [],
    }),
    listProjectBranchEndpoints: async ({ path }) => {
      const branch = await requireBranch(context, path.project_id, path.branch_id)
      const rows = await listBranchEndpoints(context.store, branch.id)
      return { endpoints: rows.map(present) }
    },
  } satisfies Partial<Handlers>
}

const databaseAnswer = (change: databases.DatabaseChange) => ({
  database: presentDatabase(change.database),
  operations: change.operations.map(presentOperation),
})

function databaseResource(context: Context) {
  return {
    listProjectBranchDatabases: async ({ path }) => ({
      databases: (await databases.listDatabases(context, path.project_id, path.branch_id)).map(
        presentDatabase,
      ),
    }),
    createProjectBranchDatabase: async ({ path, body }) =>
      databaseAnswer(
        await databases.createDatabase(context, path.project_id, path.branch_id, body.database),
      ),
    getProjectBranchDatabase: async ({ path }) => {
      const branch = await requireBranch(context, path.project_id, path.branch_id)
      const database = await databases.requireDatabase(context, branch, path.database_name)
      return { database: presentDatabase(database) }
    },
    updateProjectBranchDatabase: async ({ path, body }) =>
      databaseAnswer(
        await databases.updateDatabase(
          context,
          path.project_id,
          path.branch_id,
          path.database_name,
          body.database,
        ),
      ),
    deleteProjectBranchDatabase: async ({ path }) =>
      databaseAnswer(
        await databases.deleteDatabase(
          context,
          path.project_id,
          path.branch_id,
          path.database_name,
        ),
      ),
  } satisfies Partial<Handlers>
}

const roleAnswer = (change: roles.RoleChange) => ({
  role: presentRole(change.role, change.password),
  operations: change.operations.map(presentOperation),
})

function roleResource(context: Context) {
  return {
    listProjectBranchRoles: async ({ path }) => ({
      roles: (await roles.listRoles(context, path.project_id, path.branch_id)).map((role) =>
        presentRole(role),
      ),
    }),
    createProjectBranchRole: async ({ path, body }) =>
      roleAnswer(await roles.createRole(context, path.project_id, path.branch_id, body.role)),
    getProjectBranchRole: async ({ path }) => {
      const branch = await requireBranch(context, path.project_id, path.branch_id)
      return { role: presentRole(await roles.requireRole(context, branch, path.role_name)) }
    },
    deleteProjectBranchRole: async ({ path }) =>
      roleAnswer(await roles.deleteRole(context, path.project_id, path.branch_id, path.role_name)),
    getProjectBranchRolePassword: async ({ path }) => ({
      password: await roles.revealPassword(
        context,
        path.project_id,
        path.branch_id,
        path.role_name,
      ),
    }),
    resetProjectBranchRolePassword: async ({ path }) =>
      roleAnswer(
        await roles.resetPassword(context, path.project_id, path.branch_id, path.role_name),
      ),
  } satisfies Partial<Handlers>
}

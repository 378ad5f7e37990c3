import { maxAllowedIps, maxComputeUnits, maxHistoryRetentionSeconds } from '@coppice/api'

import { AppError } from '../../lib/errors.ts'
import { requireOrganization } from '../account.ts'
import { getConnectionUri } from '../connections.ts'
import type { Context } from '../context.ts'
import { withLiveState } from '../endpoints.ts'
import { requireProject } from '../lookups.ts'
import { listPreloadLibraries } from '../preload-libraries.ts'
import {
  presentBranch,
  presentDatabase,
  presentEndpoint,
  presentOperation,
  presentProject,
  presentRole,
} from '../present.ts'
import * as projects from '../projects.ts'
import type { Handlers } from './server.ts'

const defaultPageSize = 10

export function projectHandlers(context: Context) {
  const { settings } = context
  return {
    listProjects: async ({ query }, { apiKey }) => {
      requireOrganization(query.org_id)
      const page = await projects.listProjects(context, {
        limit: query.limit ?? defaultPageSize,
        cursor: query.cursor,
        search: query.search,
        deleted: query.recoverable ?? false,
        onlyId: apiKey.project_id,
      })
      return {
        projects: page.projects.map(({ project, databases }) =>
          presentProject(project, settings, databases),
        ),
        ...(page.cursor !== undefined && { pagination: { cursor: page.cursor } }),
        applications: {},
        integrations: {},
      }
    },
    listSharedProjects: async () => ({ projects: [] }),
    createProject: async ({ body }) => {
      const made = await projects.createProject(context, body.project)
      return {
        project: presentProject(made.project, settings),
        connection_uris: [made.connection],
        roles: made.roles.map((role) => presentRole(role, made.password)),
        databases: made.databases.map(presentDatabase),
        operations: made.operations.map(presentOperation),
        branch: presentBranch(made.branch),
        endpoints: made.endpoints.map((row) =>
          presentEndpoint(withLiveState(context, row), settings),
        ),
      }
    },
    getProject: async ({ path }) => ({
      project: presentProject(await requireProject(context, path.project_id), settings),
    }),
    updateProject: async ({ path, body }) => {
      const changed = await projects.updateProject(context, path.project_id, body.project)
      return {
        project: presentProject(changed.project, settings),
        operations: changed.operations.map(presentOperation),
      }
    },
    deleteProject: async ({ path, query }) => ({
      project: presentProject(
        await projects.deleteProject(context, path.project_id, query.hard_delete ?? false),
        settings,
      ),
    }),
    recoverProject: async ({ path }) => {
      const recovered = await projects.recoverProject(context, path.project_id)
      return {
        project: presentProject(recovered.project, settings),
        branches: recovered.branches.map(presentBranch),
      }
    },
    getAvailablePreloadLibraries: async ({ path }) => ({
      libraries: await listPreloadLibraries(context, path.project_id),
    }),
    listProjectPermissions: async ({ path }) => {
      await requireProject(context, path.project_id)
      return { project_permissions: [] }
    },
    grantPermissionToProject: async ({ path }) => {
      await requireProject(context, path.project_id)
      throw new AppError(
        'not_available',
        'a platform has one owner; give access to a project with an API key for it (POST /organizations/{org_id}/api_keys with project_id)',
      )
    },
    getProjectLimits: async ({ path }) => {
      await requireProject(context, path.project_id)
      return {
        limits: {
          max_branches: -1,
          max_read_only_endpoints: -1,
          max_allowed_ips: maxAllowedIps,
          max_autoscaling_cu: maxComputeUnits,
          max_history_retention_seconds: maxHistoryRetentionSeconds,
        },
      }
    },
    getConnectionURI: async ({ path, query }) => ({
      uri: await getConnectionUri(context, path.project_id, query),
    }),
  } satisfies Partial<Handlers>
}

import { getConnectionUri } from '../connections.ts'
import type { Context } from '../context.ts'
import { withLiveState } from '../endpoints.ts'
import { requireProject } from '../lookups.ts'
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
    listProjects: async ({ query }) => {
      const page = await projects.listProjects(context, {
        limit: query.limit ?? defaultPageSize,
        cursor: query.cursor,
        search: query.search,
        deleted: query.recoverable ?? false,
      })
      return {
        projects: page.projects.map(({ project, databases }) =>
          presentProject(project, settings, databases),
        ),
        pagination: page.cursor === undefined ? {} : { cursor: page.cursor },
        applications: {},
        integrations: {},
      }
    },
    listSharedProjects: async () => ({ projects: [], pagination: {} }),
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
    recoverProject: async ({ path }) => ({
      project: presentProject(await projects.recoverProject(context, path.project_id), settings),
    }),
    getConnectionURI: async ({ path, query }) => ({
      uri: await getConnectionUri(context, path.project_id, query),
    }),
  } satisfies Partial<Handlers>
}

import type { Context } from '../context.ts'
import * as endpoints from '../endpoints.ts'
import { requireProject } from '../lookups.ts'
import { presentEndpoint, presentOperation } from '../present.ts'
import { listEndpoints } from '../store/endpoints.ts'
import type { Handlers } from './server.ts'

export function endpointHandlers(context: Context) {
  const { settings } = context
  const answer = (change: endpoints.EndpointChange) => ({
    endpoint: presentEndpoint(change.endpoint, settings),
    operations: change.operations.map(presentOperation),
  })
  return {
    listProjectEndpoints: async ({ path }) => {
      await requireProject(context, path.project_id)
      const rows = await listEndpoints(context.store, path.project_id)
      return {
        endpoints: rows.map((row) =>
          presentEndpoint(endpoints.withLiveState(context, row), settings),
        ),
      }
    },
    createProjectEndpoint: async ({ path, body }) =>
      answer(await endpoints.createEndpoint(context, path.project_id, body.endpoint)),
    getProjectEndpoint: async ({ path }) => ({
      endpoint: presentEndpoint(
        await endpoints.requireEndpoint(context, path.project_id, path.endpoint_id),
        settings,
      ),
    }),
    updateProjectEndpoint: async ({ path, body }) =>
      answer(
        await endpoints.updateEndpoint(context, path.project_id, path.endpoint_id, body.endpoint),
      ),
    deleteProjectEndpoint: async ({ path }) =>
      answer(await endpoints.deleteEndpoint(context, path.project_id, path.endpoint_id)),
    startProjectEndpoint: async ({ path }) =>
      answer(await endpoints.commandEndpoint(context, path.project_id, path.endpoint_id, 'start')),
    suspendProjectEndpoint: async ({ path }) =>
      answer(
        await endpoints.commandEndpoint(context, path.project_id, path.endpoint_id, 'suspend'),
      ),
    restartProjectEndpoint: async ({ path }) =>
      answer(
        await endpoints.commandEndpoint(context, path.project_id, path.endpoint_id, 'restart'),
      ),
  } satisfies Partial<Handlers>
}

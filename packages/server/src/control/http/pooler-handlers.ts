import type { Context } from '../context.ts'
import { getPooler, listPoolerClients } from '../pooler.ts'
import type { Handlers } from './server.ts'

const defaultPageSize = 100

export function poolerHandlers(context: Context) {
  return {
    getProjectEndpointPooler: async ({ path }) => ({
      pooler: await getPooler(context, path.project_id, path.endpoint_id),
    }),
    listProjectEndpointPoolerClients: async ({ path, query }) =>
      listPoolerClients(context, path.project_id, path.endpoint_id, query.limit ?? defaultPageSize),
  } satisfies Partial<Handlers>
}

import type { Context } from '../context.ts'
import { presentSavedQuery } from '../present.ts'
import {
  createSavedQuery,
  deleteSavedQuery,
  listSavedQueries,
  updateSavedQuery,
} from '../saved-queries.ts'
import type { Handlers } from './server.ts'

export function savedQueryHandlers(context: Context) {
  return {
    listSavedQueries: async ({ path, query }) => ({
      saved_queries: (await listSavedQueries(context, path.project_id, query.search)).map(
        presentSavedQuery,
      ),
    }),
    createSavedQuery: async ({ path, body }) => ({
      saved_query: presentSavedQuery(
        await createSavedQuery(context, path.project_id, body.saved_query),
      ),
    }),
    updateSavedQuery: async ({ path, body }) => ({
      saved_query: presentSavedQuery(
        await updateSavedQuery(context, path.project_id, path.saved_query_id, body.saved_query),
      ),
    }),
    deleteSavedQuery: async ({ path }) => ({
      saved_query: presentSavedQuery(
        await deleteSavedQuery(context, path.project_id, path.saved_query_id),
      ),
    }),
  } satisfies Partial<Handlers>
}

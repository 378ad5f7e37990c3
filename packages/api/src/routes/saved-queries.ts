import { Type } from 'typebox'

import { ProjectPath, SavedQueryPath } from '../paths.ts'
import { route } from '../route.ts'
import { SavedQuery, SavedQueryCreate, SavedQueryUpdate } from '../saved-query.ts'

const tag = 'Project'
const Answer = Type.Object({ saved_query: SavedQuery })

/** Coppice's own: SQL that a project keeps under names. */
export const savedQueryRoutes = {
  listSavedQueries: route('listSavedQueries', {
    summary: 'List the saved queries of a project by name',
    tag,
    path: ProjectPath,
    query: Type.Object({
      /** What is in the name or the SQL, whatever its case. */
      search: Type.Optional(Type.String({ maxLength: 256 })),
    }),
    status: 200,
    response: Type.Object({ saved_queries: Type.Array(SavedQuery) }),
  }),
  createSavedQuery: route('createSavedQuery', {
    summary: 'Save a query under a name',
    tag,
    path: ProjectPath,
    body: SavedQueryCreate,
    status: 201,
    response: Answer,
  }),
  updateSavedQuery: route('updateSavedQuery', {
    summary: 'Change the name or the SQL of a saved query',
    tag,
    path: SavedQueryPath,
    body: SavedQueryUpdate,
    status: 200,
    response: Answer,
  }),
  deleteSavedQuery: route('deleteSavedQuery', {
    summary: 'Delete a saved query',
    tag,
    path: SavedQueryPath,
    status: 200,
    response: Answer,
    absent: 'saved_query_not_found',
  }),
}

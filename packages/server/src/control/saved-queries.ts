import { AppError } from '../lib/errors.ts'
import type { Context } from './context.ts'
import { requireProject } from './lookups.ts'
import { checkSavedQueryName } from './names.ts'
import * as store from './store/saved-queries.ts'
import type { SavedQueryRow } from './store/saved-queries.ts'
import { isUniqueViolation } from './store/store.ts'

/** Of a project, with SQL of 50 kB at most: a list is one answer. */
const maxSaved = 200

export async function listSavedQueries(
  context: Context,
  projectId: string,
  search = '',
): Promise<SavedQueryRow[]> {
  await requireProject(context, projectId)
  return store.listSavedQueries(context.store, projectId, checkText(search))
}

export async function createSavedQuery(
  context: Context,
  projectId: string,
  wanted: { name: string; sql: string },
): Promise<SavedQueryRow> {
  await requireProject(context, projectId)
  const query = {
    project_id: projectId,
    name: checkSavedQueryName(wanted.name),
    sql: checkText(wanted.sql),
  }
  const row = await naming(query.name, async () =>
    store.insertSavedQuery(context.store, query, maxSaved),
  )
  if (row !== undefined) return row
  throw new AppError(
    'limit_reached',
    `the project has ${maxSaved} saved queries already; delete some first`,
  )
}

export async function updateSavedQuery(
  context: Context,
  projectId: string,
  id: string,
  change: { name?: string; sql?: string },
): Promise<SavedQueryRow> {
  await requireProject(context, projectId)
  const name = change.name === undefined ? null : checkSavedQueryName(change.name)
  const sql = change.sql === undefined ? null : checkText(change.sql)
  const row = await naming(name ?? '', async () =>
    store.updateSavedQuery(context.store, projectId, id, { name, sql }),
  )
  return row ?? refuseMissing(id)
}

export async function deleteSavedQuery(
  context: Context,
  projectId: string,
  id: string,
): Promise<SavedQueryRow> {
  await requireProject(context, projectId)
  return (await store.removeSavedQuery(context.store, projectId, id)) ?? refuseMissing(id)
}

function refuseMissing(id: string): never {
  throw new AppError('saved_query_not_found', `saved query ${id} does not exist`)
}

async function naming<T>(name: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
    throw new AppError(
      'saved_query_exists',
      `the project has a saved query named ${name} already; choose another name, or change that one`,
    )
  }
}

/** PostgreSQL's texts have no NUL. */
function checkText(text: string): string {
  if (!text.includes('\0')) return text
  throw new AppError('invalid_request', 'the SQL of a saved query cannot hold the character 0')
}

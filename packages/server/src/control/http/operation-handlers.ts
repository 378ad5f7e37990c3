import { AppError } from '../../lib/errors.ts'
import type { Context } from '../context.ts'
import { requireProject } from '../lookups.ts'
import { presentOperation } from '../present.ts'
import { findOperation, listOperations } from '../store/operations.ts'
import type { Handlers } from './server.ts'

const defaultPageSize = 100
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export function operationHandlers(context: Context) {
  const isOperation = async (projectId: string, id: string): Promise<boolean> =>
    uuid.test(id) && (await findOperation(context.store, projectId, id)) !== undefined
  return {
    listProjectOperations: async ({ path, query }) => {
      await requireProject(context, path.project_id)
      const limit = query.limit ?? defaultPageSize
      const beforeId = query.cursor || undefined
      if (beforeId && !(await isOperation(path.project_id, beforeId))) {
        throw new AppError('invalid_request', 'the cursor is not one that this list answered')
      }
      const rows = await listOperations(context.store, path.project_id, { limit, beforeId })
      const last = rows.length === limit ? rows.at(-1) : undefined
      return {
        operations: rows.map(presentOperation),
        ...(last && { pagination: { cursor: last.id } }),
      }
    },
    getProjectOperation: async ({ path }) => {
      await requireProject(context, path.project_id)
      const row = await findOperation(context.store, path.project_id, path.operation_id)
      if (row === undefined) {
        throw new AppError('operation_not_found', `operation ${path.operation_id} does not exist`)
      }
      return { operation: presentOperation(row) }
    },
  } satisfies Partial<Handlers>
}

import { AppError } from '../../lib/errors.ts'
import type { Context } from '../context.ts'
import { requireProject } from '../lookups.ts'
import { presentOperation } from '../present.ts'
import { findOperation, listOperations } from '../store/operations.ts'
import type { Handlers } from './server.ts'

const defaultPageSize = 100
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export function operationHandlers(context: Context) {
  return {
    listProjectOperations: async ({ path, query }) => {
      await requireProject(context, path.project_id)
      const limit = query.limit ?? defaultPageSize
      if (query.cursor !== undefined && !uuid.test(query.cursor)) {
        throw new AppError('invalid_request', 'the cursor is not one that this list answered')
      }
      const rows = await listOperations(context.store, path.project_id, {
        limit,
        beforeId: query.cursor,
      })
      const last = rows.length === limit ? rows.at(-1) : undefined
      return {
        operations: rows.map(presentOperation),
        pagination: last === undefined ? {} : { cursor: last.id },
      }
    },
    getProjectOperation: async ({ path }) => {
      const row = await findOperation(context.store, path.project_id, path.operation_id)
      if (row === undefined) {
        throw new AppError('operation_not_found', `operation ${path.operation_id} does not exist`)
      }
      return { operation: presentOperation(row) }
    },
  } satisfies Partial<Handlers>
}

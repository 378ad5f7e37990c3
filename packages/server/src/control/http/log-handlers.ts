import type { Context } from '../context.ts'
import { listLogFields, listLogFieldValues, queryLogs } from '../logs.ts'
import type { Handlers } from './server.ts'

export function logHandlers(context: Context) {
  return {
    queryProjectBranchLogs: async ({ path, body }) => {
      const { logs, cursor } = await queryLogs(context, path.project_id, path.branch_id, body)
      return {
        logs,
        ...(cursor !== undefined && { next_cursor: cursor }),
        is_truncated: cursor !== undefined,
      }
    },
    listProjectBranchLogFields: async ({ path }) => ({
      fields: await listLogFields(context, path.project_id, path.branch_id),
    }),
    listProjectBranchLogFieldValues: async ({ path, query }) => {
      const { values, isTruncated } = await listLogFieldValues(
        context,
        path.project_id,
        path.branch_id,
        path.field_name,
        query,
      )
      return { values, is_truncated: isTruncated }
    },
  } satisfies Partial<Handlers>
}

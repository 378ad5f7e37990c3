import type { Context } from '../context.ts'
import { readMoment } from '../history/moments.ts'
import { requireBranch } from '../lookups.ts'
import { compareSchemas, getSchemaSql, getSchemaTables, requireBase } from '../schema.ts'
import type { Handlers } from './server.ts'

export function schemaHandlers(context: Context) {
  return {
    getProjectBranchSchema: async ({ path, query }) => {
      const moment = readMoment(query)
      const branch = await requireBranch(context, path.project_id, path.branch_id)
      const place = { branch, moment, database: query.db_name }
      return query.format === 'json'
        ? { json: await getSchemaTables(context, place) }
        : { sql: await getSchemaSql(context, place) }
    },
    getProjectBranchSchemaComparison: async ({ path, query }) => {
      const moment = readMoment(query)
      const baseMoment = readMoment({ lsn: query.base_lsn, timestamp: query.base_timestamp })
      const branch = await requireBranch(context, path.project_id, path.branch_id)
      const base = await requireBase(context, branch, query.base_branch_id)
      const database = query.db_name
      return {
        diff: await compareSchemas(
          context,
          { branch: base, moment: baseMoment, database },
          { branch, moment, database },
        ),
      }
    },
  } satisfies Partial<Handlers>
}

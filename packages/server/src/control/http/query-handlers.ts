import type { Context } from '../context.ts'
import { runQuery } from '../query/run-query.ts'
import type { TimeTravel } from '../time-travel.ts'
import type { Handlers } from './server.ts'

export function queryHandlers(context: Context, timeTravel: TimeTravel) {
  return {
    queryProjectBranch: async ({ path, body }, { signal }) =>
      runQuery(
        context,
        timeTravel,
        {
          projectId: path.project_id,
          branch: path.branch_id,
          database: body.db_name,
          role: body.role_name,
          timestamp: body.timestamp,
          lsn: body.lsn,
          sql: body.sql,
          isQuiet: body.wake === false,
          readOnly: body.read_only ?? false,
          timeoutSeconds: body.timeout_seconds ?? defaultTimeoutSeconds,
        },
        signal,
      ),
  } satisfies Partial<Handlers>
}

const defaultTimeoutSeconds = 600

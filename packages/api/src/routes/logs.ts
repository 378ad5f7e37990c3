import { Type } from 'typebox'

import { LogFieldValuesQuery, LogRecord, LogsQuery } from '../logs.ts'
import { BranchPath } from '../paths.ts'
import { route } from '../route.ts'

const tag = 'Logs'

/** The PostgreSQL logs of a branch's computes. None of these wakes one. */
export const logRoutes = {
  queryProjectBranchLogs: route('queryProjectBranchLogs', {
    summary: "Query the logs of a branch's computes",
    tag,
    path: BranchPath,
    body: LogsQuery,
    status: 200,
    response: Type.Object({
      logs: Type.Array(LogRecord),
      next_cursor: Type.Optional(Type.String()),
      is_truncated: Type.Boolean(),
    }),
  }),
  listProjectBranchLogFields: route('listProjectBranchLogFields', {
    summary: 'List the log fields whose values can be listed',
    tag,
    path: BranchPath,
    status: 200,
    response: Type.Object({ fields: Type.Array(Type.String()) }),
  }),
  listProjectBranchLogFieldValues: route('listProjectBranchLogFieldValues', {
    summary: 'List the values that a log field has had',
    tag,
    path: Type.Object({
      ...BranchPath.properties,
      field_name: Type.String({ minLength: 1, maxLength: 256 }),
    }),
    query: LogFieldValuesQuery,
    status: 200,
    response: Type.Object({ values: Type.Array(Type.String()), is_truncated: Type.Boolean() }),
  }),
}

import type { QueryLine, QueryRequest } from '@coppice/api'

import { api } from '../../api/client.ts'

/** Where to run SQL. */
export interface QueryPlace {
  projectId: string
  branchId: string
  request: Omit<QueryRequest, 'sql'>
}

/** Runs SQL at a place. To leave the lines, or to abort the signal, ends it on the server too. */
export async function runOn(
  { projectId, branchId, request }: QueryPlace,
  sql: string,
  signal?: AbortSignal,
): Promise<AsyncIterable<QueryLine>> {
  return api.queryProjectBranch({
    path: { project_id: projectId, branch_id: branchId },
    body: { ...request, sql },
    ...(signal && { signal }),
  })
}

import { BranchPath } from '../paths.ts'
import { QueryLine, QueryRequest } from '../query.ts'
import { route } from '../route.ts'

/** SQL without a driver, for the console and for scripts. */
export const queryRoutes = {
  queryProjectBranch: route('queryProjectBranch', {
    summary: 'Run SQL on a database, now or at a moment, as one of its roles',
    tag: 'Branch',
    path: BranchPath,
    body: QueryRequest,
    status: 200,
    response: QueryLine,
    lines: true,
  }),
}

import type { Route } from './route.ts'
import { accountRoutes } from './routes/account.ts'
import { branchRoutes } from './routes/branches.ts'
import { endpointRoutes } from './routes/endpoints.ts'
import { historyRoutes } from './routes/history.ts'
import { operationRoutes } from './routes/operations.ts'
import { platformRoutes } from './routes/platform.ts'
import { poolerRoutes } from './routes/pooler.ts'
import { projectRoutes } from './routes/projects.ts'
import { schemaRoutes } from './routes/schema.ts'
import type { RouteName } from './urls.ts'

/** Every endpoint of the API with its schemas. */
export const routes = {
  ...projectRoutes,
  ...branchRoutes,
  ...historyRoutes,
  ...schemaRoutes,
  ...endpointRoutes,
  ...poolerRoutes,
  ...operationRoutes,
  ...accountRoutes,
  ...platformRoutes,
} satisfies Record<RouteName, Route>

export type Routes = typeof routes

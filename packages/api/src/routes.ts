import type { Route } from './route.ts'
import { accountRoutes } from './routes/account.ts'
import { branchRoutes } from './routes/branches.ts'
import { computeRoutes } from './routes/computes.ts'
import { consumptionRoutes } from './routes/consumption.ts'
import { costRoutes } from './routes/cost.ts'
import { endpointRoutes } from './routes/endpoints.ts'
import { historyRoutes } from './routes/history.ts'
import { jwksRoutes } from './routes/jwks.ts'
import { logRoutes } from './routes/logs.ts'
import { maskingRoutes } from './routes/masking.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { migrationRoutes } from './routes/migrations.ts'
import { operationRoutes } from './routes/operations.ts'
import { organizationRoutes } from './routes/organizations.ts'
import { platformRoutes } from './routes/platform.ts'
import { poolerRoutes } from './routes/pooler.ts'
import { projectRoutes } from './routes/projects.ts'
import { queryRoutes } from './routes/query.ts'
import { savedQueryRoutes } from './routes/saved-queries.ts'
import { schemaRoutes } from './routes/schema.ts'
import type { RouteName } from './urls.ts'

/** Every endpoint of the API with its schemas. */
export const routes = {
  ...projectRoutes,
  ...branchRoutes,
  ...maskingRoutes,
  ...historyRoutes,
  ...queryRoutes,
  ...savedQueryRoutes,
  ...schemaRoutes,
  ...migrationRoutes,
  ...endpointRoutes,
  ...computeRoutes,
  ...poolerRoutes,
  ...operationRoutes,
  ...consumptionRoutes,
  ...costRoutes,
  ...logRoutes,
  ...metricsRoutes,
  ...accountRoutes,
  ...organizationRoutes,
  ...jwksRoutes,
  ...platformRoutes,
} satisfies Record<RouteName, Route>

export type Routes = typeof routes

import { accountRoutes } from './routes/account.ts'
import { branchRoutes } from './routes/branches.ts'
import { endpointRoutes } from './routes/endpoints.ts'
import { operationRoutes } from './routes/operations.ts'
import { platformRoutes } from './routes/platform.ts'
import { projectRoutes } from './routes/projects.ts'

/** Every endpoint of the API, named by its operationId in Neon's published document. */
export const routes = {
  ...projectRoutes,
  ...branchRoutes,
  ...endpointRoutes,
  ...operationRoutes,
  ...accountRoutes,
  ...platformRoutes,
}

export type Routes = typeof routes

/** Where the API lives below its host. */
export const apiBasePath = '/api/v2'

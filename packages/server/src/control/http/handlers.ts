import type { Context } from '../context.ts'
import type { TimeTravel } from '../time-travel.ts'
import { accountHandlers } from './account-handlers.ts'
import { branchHandlers } from './branch-handlers.ts'
import { computeHandlers } from './compute-handlers.ts'
import { consumptionHandlers } from './consumption-handlers.ts'
import { costHandlers } from './cost-handlers.ts'
import { endpointHandlers } from './endpoint-handlers.ts'
import { historyHandlers } from './history-handlers.ts'
import { jwksHandlers } from './jwks-handlers.ts'
import { logHandlers } from './log-handlers.ts'
import { maskingHandlers } from './masking-handlers.ts'
import { metricsHandlers } from './metrics-handlers.ts'
import { migrationHandlers } from './migration-handlers.ts'
import { operationHandlers } from './operation-handlers.ts'
import { organizationHandlers } from './organization-handlers.ts'
import { platformHandlers } from './platform-handlers.ts'
import { poolerHandlers } from './pooler-handlers.ts'
import { projectHandlers } from './project-handlers.ts'
import { queryHandlers } from './query-handlers.ts'
import { savedQueryHandlers } from './saved-query-handlers.ts'
import { schemaHandlers } from './schema-handlers.ts'
import type { Handlers } from './server.ts'

/** What only the program can answer, which has put the parts together. */
export type ProgramHandlers = Pick<Handlers, 'getPlatformStatus' | 'getPlatformChecks'>

/** Handlers translate: request to domain call, rows to the API's shapes. They decide nothing. */
export function createHandlers(
  context: Context,
  timeTravel: TimeTravel,
  program: ProgramHandlers,
): Handlers {
  const handlers: Handlers = {
    ...projectHandlers(context),
    ...branchHandlers(context),
    ...maskingHandlers(context),
    ...historyHandlers(context),
    ...schemaHandlers(context),
    ...migrationHandlers(context, timeTravel, () => handlers),
    ...queryHandlers(context, timeTravel),
    ...savedQueryHandlers(context),
    ...endpointHandlers(context),
    ...computeHandlers(context),
    ...poolerHandlers(context),
    ...operationHandlers(context),
    ...consumptionHandlers(context),
    ...costHandlers(context),
    ...logHandlers(context),
    ...metricsHandlers(context),
    ...accountHandlers(context),
    ...organizationHandlers(context),
    ...jwksHandlers(context),
    ...platformHandlers(context),
    ...program,
  }
  return handlers
}

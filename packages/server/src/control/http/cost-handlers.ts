import { changeAwake, getAwake } from '../awake.ts'
import { consumptionRange } from '../consumption-range.ts'
import type { Context } from '../context.ts'
import { reportCostHistory } from '../cost/history.ts'
import { changePrices, pricesInForce } from '../cost/price-list.ts'
import { reportCost } from '../cost/report.ts'
import { requireProject } from '../lookups.ts'
import type { Handlers } from './server.ts'

const defaultEvents = 20

export function costHandlers(context: Context) {
  return {
    getProjectEndpointAwake: async ({ path, query }) => ({
      awake: await getAwake(
        context,
        path.project_id,
        path.endpoint_id,
        query.limit ?? defaultEvents,
      ),
    }),
    updateProjectEndpointAwake: async ({ path, body }) => {
      const { project_id, endpoint_id } = path
      await changeAwake(context, project_id, endpoint_id, body.quiet_applications)
      return { awake: await getAwake(context, project_id, endpoint_id, defaultEvents) }
    },
    getProjectCost: async ({ path, query }) => {
      await requireProject(context, path.project_id)
      return { cost: await reportCost(context, { ...query, projectId: path.project_id }) }
    },
    getProjectCostHistory: async ({ path, query }) => {
      await requireProject(context, path.project_id)
      const range = consumptionRange(query, new Date())
      return { cost_history: await reportCostHistory(context, path.project_id, range) }
    },
    getCost: async ({ query }) => ({ cost: await reportCost(context, query) }),
    getPrices: async () => pricesInForce(context),
    updatePrices: async ({ body }) => changePrices(context, body),
  } satisfies Partial<Handlers>
}

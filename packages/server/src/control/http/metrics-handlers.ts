import type { Context } from '../context.ts'
import { branchMetrics, platformMetrics } from '../metrics/history.ts'
import type { SampleRange } from '../store/metrics.ts'
import type { Handlers } from './server.ts'

export function metricsHandlers(context: Context) {
  return {
    getProjectBranchMetrics: async ({ path, query }) => {
      const found = await branchMetrics(context, path.project_id, path.branch_id, query)
      return { ...presentRange(found.range), endpoints: found.endpoints }
    },
    getPlatformMetrics: async ({ query }) => {
      const { range, samples } = await platformMetrics(context, query)
      return { ...presentRange(range), samples }
    },
  } satisfies Partial<Handlers>
}

const presentRange = ({ from, to, stepSeconds }: SampleRange) => ({
  from: from.toISOString(),
  to: to.toISOString(),
  step_seconds: stepSeconds,
})

import { Type } from 'typebox'

import { EndpointMetrics, MetricsQuery, MetricsRange, PlatformSample } from '../metrics.ts'
import { BranchPath } from '../paths.ts'
import { route } from '../route.ts'

/** Coppice's own: what was sampled of computes and of the platform. Never wakes a compute. */
export const metricsRoutes = {
  getProjectBranchMetrics: route('getProjectBranchMetrics', {
    summary: "Get sampled figures of a branch's computes",
    tag: 'Branch',
    path: BranchPath,
    query: MetricsQuery,
    status: 200,
    response: Type.Object({ ...MetricsRange, endpoints: Type.Array(EndpointMetrics) }),
  }),
  getPlatformMetrics: route('getPlatformMetrics', {
    summary: 'Get sampled figures of the platform',
    tag: 'Platform',
    query: MetricsQuery,
    status: 200,
    response: Type.Object({ ...MetricsRange, samples: Type.Array(PlatformSample) }),
  }),
}

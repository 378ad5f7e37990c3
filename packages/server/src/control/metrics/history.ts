import type { EndpointMetrics, MetricsQuery, PlatformSample } from '@coppice/api'

import { AppError } from '../../lib/errors.ts'
import type { Context } from '../context.ts'
import { requireBranch } from '../lookups.ts'
import { listBranchEndpoints } from '../store/endpoints.ts'
import {
  keptStepSeconds,
  readComputeSamples,
  readPlatformSamples,
  sampleRetentionMs,
  type SampleRange,
} from '../store/metrics.ts'

const hourMs = 3_600_000
/** What a chart shows. */
const usualSteps = 120
/** Those that people count in; samples come every fifteen seconds, not on the second. */
const usualStepSeconds = [30, 60, 300, 600, 1800, 3600, 10_800, 21_600, 86_400]

/** The samples of a branch's computes in a range. */
export async function branchMetrics(
  context: Context,
  projectId: string,
  branchIdOrName: string,
  query: MetricsQuery,
): Promise<{ range: SampleRange; endpoints: EndpointMetrics[] }> {
  const range = metricsRange(query, new Date())
  const branch = await requireBranch(context, projectId, branchIdOrName)
  const endpoints = await listBranchEndpoints(context.store, branch.id)
  const ids = endpoints.map(({ id }) => id)
  const samples = await readComputeSamples(context.store, ids, range)
  return {
    range,
    endpoints: endpoints.map(({ id, type }) => ({
      endpoint_id: id,
      type,
      samples: samples.filter((sample) => sample.endpoint_id === id),
    })),
  }
}

export async function platformMetrics(
  context: Context,
  query: MetricsQuery,
): Promise<{ range: SampleRange; samples: PlatformSample[] }> {
  const range = metricsRange(query, new Date())
  return { range, samples: await readPlatformSamples(context.store, range) }
}

/**
 * What there is of a range: no more than is kept, and of no later than now. `from` is rounded down to its
 * step, and the step up to what is kept of that time, so steps are some thousands at most. Rejects with
 * AppError `invalid_request`.
 */
export function metricsRange(query: MetricsQuery, now: Date): SampleRange {
  const toMs = Math.min(parse(query.to) ?? now.getTime(), now.getTime())
  const earliestMs = now.getTime() - sampleRetentionMs
  const fromMs = Math.max(parse(query.from) ?? toMs - hourMs, earliestMs)
  // Not of NaN either, as of a leap second.
  if (!(fromMs < toMs)) {
    throw new AppError('invalid_request', 'from and to: give a range within the last 14 days')
  }
  const seconds = (toMs - fromMs) / 1000
  const usual = usualStepSeconds.find((step) => seconds / step <= usualSteps) ?? 86_400
  const stepSeconds = Math.max(query.step ?? usual, keptStepSeconds(now.getTime() - fromMs))
  const stepMs = stepSeconds * 1000
  return { from: new Date(Math.floor(fromMs / stepMs) * stepMs), to: new Date(toMs), stepSeconds }
}

const parse = (timestamp: string | undefined): number | undefined =>
  timestamp === undefined ? undefined : Date.parse(timestamp)

import type { EndpointMetrics, MetricsQuery, PlatformSample } from '@coppice/api'

import { AppError } from '../../lib/errors.ts'
import type { Context } from '../context.ts'
import { requireBranch } from '../lookups.ts'
import { listBranchEndpoints } from '../store/endpoints.ts'
import {
  keptStepSeconds,
  readComputeSamples,
  readPlatformSamples,
  type SampleRange,
} from '../store/metrics.ts'

const hourMs = 3_600_000
/** What a chart shows. */
const usualSteps = 120
/** A bound on what is answered for one compute. */
const maxSteps = 2000
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
 * `from` is rounded down to its step, and the step up to what is kept of that time. Rejects with AppError
 * `invalid_request`.
 */
export function metricsRange(query: MetricsQuery, now: Date): SampleRange {
  const to = query.to === undefined ? now : new Date(query.to)
  const from = query.from === undefined ? new Date(to.getTime() - hourMs) : new Date(query.from)
  if (from >= to) throw invalid('from: it must be before to')
  const seconds = (to.getTime() - from.getTime()) / 1000
  const usual = usualStepSeconds.find((step) => seconds / step <= usualSteps) ?? 86_400
  const kept = keptStepSeconds(now.getTime() - from.getTime())
  const stepSeconds = Math.max(query.step ?? usual, kept)
  if (seconds / stepSeconds > maxSteps) {
    throw invalid(
      `step: the range has more than ${maxSteps} steps; make it shorter, or them longer`,
    )
  }
  const stepMs = stepSeconds * 1000
  return { from: new Date(Math.floor(from.getTime() / stepMs) * stepMs), to, stepSeconds }
}

const invalid = (message: string): AppError => new AppError('invalid_request', message)

import type { ProjectSettings } from '@coppice/api'

import type { Context } from './context.ts'
import { refreshComputes } from './put-compute.ts'
import { listQuotaProjects, type PeriodUsage, setQuotaExceeded } from './store/usage.ts'
import { usageCounters } from './usage-counters.ts'

/**
 * Quotas of a project for a consumption period. One that is used up suspends the project's computes and
 * is written into their specs, so that they stay suspended while the store is down as well.
 */
const quotaNames = [
  'active_time_seconds',
  'compute_time_seconds',
  'written_data_bytes',
  'data_transfer_bytes',
] as const

type Quota = NonNullable<ProjectSettings['quota']>

/** The first quota that is used up; 0 or none is no limit. */
export function exceededQuota(
  quota: Quota | undefined,
  usage: PeriodUsage | null,
  now: Date,
): string | null {
  const used = usageCounters(usage, now)
  const isExceeded = (name: (typeof quotaNames)[number]): boolean => {
    const limit = quota?.[name] ?? 0
    return limit > 0 && used[name] >= limit
  }
  return quotaNames.find(isExceeded) ?? null
}

/** Compares what was used with the quotas, of all projects or of one, and blocks or lets in again. */
export async function enforceQuotas(context: Context, projectId?: string): Promise<void> {
  for (const project of await listQuotaProjects(context.store, projectId)) {
    const exceeded = exceededQuota(project.settings.quota, project.usage, new Date())
    if (exceeded !== project.quota_exceeded) {
      context.log.info(
        { project_id: project.id, quota: exceeded },
        'the exceeded quota has changed',
      )
      await setQuotaExceeded(context.store, project.id, exceeded)
      await refreshComputes(context, { projectId: project.id })
    }
    if (exceeded !== null) await suspendComputes(context, project.id)
  }
}

/** Also one that was being started when it was forbidden. */
async function suspendComputes(context: Context, projectId: string): Promise<void> {
  const running = context.host
    .list()
    .filter(({ spec, state }) => spec.labels['project_id'] === projectId && state !== 'idle')
  await Promise.all(running.map(async (compute) => compute.suspend({ force: true })))
}

import type { ProjectSettings } from '@coppice/api'

import { isOverSize } from './compute-spec.ts'
import type { Context } from './context.ts'
import { putCompute, refreshComputes } from './put-compute.ts'
import { listLiveEndpoints } from './store/endpoints.ts'
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
  for (const { id } of await listQuotaProjects(context.store, projectId)) {
    await context.locks.run(`quota ${id}`, async () => enforceQuota(context, id))
  }
}

/** Reads the project anew: its quota may just have been changed. */
async function enforceQuota(context: Context, projectId: string): Promise<void> {
  const [project] = await listQuotaProjects(context.store, projectId)
  if (project === undefined) return
  const exceeded = exceededQuota(project.settings.quota, project.usage, new Date())
  if (exceeded !== project.quota_exceeded) {
    context.log.info({ project_id: projectId, quota: exceeded }, 'the exceeded quota has changed')
    await setQuotaExceeded(context.store, projectId, exceeded)
    await refreshComputes(context, { projectId })
  }
  if (exceeded !== null) await suspendComputes(context, projectId)
}

/** Makes branches that are too large read-only by default, and those that have become smaller writable. */
export async function enforceSizeQuotas(context: Context): Promise<void> {
  for (const endpoint of await listLiveEndpoints(context.store)) {
    const compute = context.host.get(endpoint.id)
    const isTooLarge = isOverSize(endpoint)
    if (compute === undefined || compute.spec.readOnly === isTooLarge) continue
    const { branch_id, branch_name, branch_logical_size_bytes } = endpoint
    context.log.info(
      { branch_id, branch: branch_name, bytes: branch_logical_size_bytes, read_only: isTooLarge },
      'a branch has crossed its size quota',
    )
    await putCompute(context, endpoint.id)
  }
}

/** Also one that was being started when it was forbidden. */
async function suspendComputes(context: Context, projectId: string): Promise<void> {
  const running = context.host
    .list()
    .filter(({ spec, state }) => spec.labels['project_id'] === projectId && state !== 'idle')
  await Promise.all(running.map(async (compute) => compute.suspend({ force: true })))
}

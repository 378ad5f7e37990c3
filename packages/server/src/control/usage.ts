import type { Compute } from '../compute/compute.ts'
import type { UsageSnapshot } from '../compute/usage-ledger.ts'
import { describeError } from '../lib/errors.ts'
import type { Context } from './context.ts'
import { trimComputeEvents } from './store/compute-events.ts'
import { transact } from './store/store.ts'
import {
  recordStorage,
  recordUsageHours,
  refreshBranchUsage,
  refreshProjectUsage,
  trimUsage,
  type UsageHourRow,
} from './store/usage.ts'
import { startOfMonth } from './usage-period.ts'

/**
 * Metering. Each compute counts for itself, in a file beside it (`compute/usage-ledger.ts`). Here its
 * hours are copied into the store, as a whole each, so that doing it twice does no harm, and summed up
 * for the project and the branch.
 */

/** Copies what computes have counted since the last time. */
export async function recordUsage(
  context: Context,
  computes: readonly Compute[] = context.host.list(),
): Promise<void> {
  const taken = (await Promise.all(computes.map(async (one) => take(context, one)))).flat()
  const rows = taken.flatMap(({ compute, snapshot }) => usageRows(compute, snapshot))
  if (rows.length === 0) return
  const start = startOfMonth(new Date())
  await transact(context.store, async (sql) => {
    await recordUsageHours(sql, rows)
    await refreshBranchUsage(sql, start, unique(rows.map((row) => row.branch_id)))
    await refreshProjectUsage(sql, start, unique(rows.map((row) => row.project_id)))
  })
  for (const { compute, snapshot } of taken) compute.usage.settle(snapshot)
}

/** Nothing of one whose file cannot be written: the others are counted all the same. */
async function take(
  context: Context,
  compute: Compute,
): Promise<{ compute: Compute; snapshot: UsageSnapshot }[]> {
  try {
    return [{ compute, snapshot: await compute.usage.take() }]
  } catch (error) {
    const { endpointId } = compute.spec
    context.log.warn(
      { endpoint_id: endpointId, error: describeError(error) },
      'what a compute has used is not collected',
    )
    return []
  }
}

function usageRows({ spec }: Compute, { ledgerId, hours }: UsageSnapshot): UsageHourRow[] {
  const { project_id, branch_id } = spec.labels
  if (project_id === undefined || branch_id === undefined) return []
  return hours.map(({ hour, counters }) => ({
    endpoint_id: spec.endpointId,
    hour,
    ledger_id: ledgerId,
    project_id,
    branch_id,
    active_ms: counters.activeMs,
    compute_ms: counters.computeMs,
    cpu_ms: counters.cpuMs,
    written_data_bytes: counters.writtenBytes,
    data_transfer_bytes: counters.sentBytes,
  }))
}

const unique = (ids: readonly string[]): string[] => [...new Set(ids)]

/** What branches occupy is looked at so often: several times an hour. */
const storageEveryMs = 300_000

/** Notes what branches occupy, and forgets what nobody can ask for any more. For a reconciler. */
export function createStorageRecorder(): (context: Context) => Promise<void> {
  let lastMs = -Infinity
  return async (context) => {
    const now = Date.now()
    if (now - lastMs < storageEveryMs) return
    const projectIds = await recordStorage(context.store)
    if (projectIds.length > 0) {
      await refreshProjectUsage(context.store, startOfMonth(new Date(now)), projectIds)
    }
    await trimUsage(context.store)
    await trimComputeEvents(context.store)
    lastMs = now
  }
}

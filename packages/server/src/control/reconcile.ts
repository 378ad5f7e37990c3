import { withCause } from '../lib/cause.ts'
import { describeError } from '../lib/errors.ts'
import type { Service } from '../lib/service.ts'
import { archiveColdBranches, packArchivedBranches } from './archive.ts'
import { expireBranch } from './branches.ts'
import { syncCatalog } from './catalog-sync.ts'
import type { Context } from './context.ts'
import { readNextExclusive } from './exclusive-bytes.ts'
import { takeDueSnapshots, trimHistory } from './history/trim.ts'
import { trimOldRehearsals } from './migrations/rehearsals.ts'
import { createLeftOperationsRecoverer } from './operations/runner.ts'
import { findUnknownVolumes } from './pool-contents.ts'
import { purgeIfExpired } from './projects.ts'
import { purgeForSpace, purgeIfDeleted } from './purge.ts'
import { enforceQuotas, enforceSizeQuotas } from './quotas.ts'
import { createLeftComputesReconciler } from './reconcile-computes.ts'
import { createReplicaRefresher } from './replicas.ts'
import { runSchedules } from './snapshot-schedules.ts'
import { expireSnapshot } from './snapshots.ts'
import { listChildNames, listExpiredBranches, listPurgeableBranches } from './store/branches.ts'
import { listLiveEndpoints, recordLastActive } from './store/endpoints.ts'
import { trimOperations } from './store/operations.ts'
import { listExpiredProjects } from './store/projects.ts'
import { listExpiredSnapshots } from './store/snapshots.ts'
import { createStorageRecorder, recordUsage } from './usage.ts'
import { verifyNextSnapshot } from './verify-snapshots.ts'

/**
 * Reconcilers: each is told nothing, compares what should be with what is, and does what is missing.
 * All run on timers; one that fails is logged and tried again at the next tick.
 */
const tickMs = 10_000
/** For what looks at every branch's files. */
const seldomMs = 60_000

export function createReconciler(context: Context): Service {
  const loops = createSchedule().map(({ everyMs, reconcilers }) => ({
    everyMs,
    running: Promise.resolve(),
    isRunning: false,
    tick: async (): Promise<void> => {
      for (const reconcile of reconcilers) {
        const cause = { reason: 'scheduled job', detail: reconcile.name }
        await withCause(cause, async () => reconcile(context)).catch((error: unknown) => {
          context.log.error(
            { reconciler: reconcile.name, error: describeError(error) },
            'reconciler failed',
          )
        })
      }
    },
  }))
  const timers: NodeJS.Timeout[] = []
  return {
    start: async () => {
      for (const loop of loops) {
        const timer = setInterval(() => {
          if (loop.isRunning) return
          loop.isRunning = true
          loop.running = loop.tick().finally(() => (loop.isRunning = false))
        }, loop.everyMs)
        timer.unref()
        timers.push(timer)
      }
    },
    stop: async () => {
      for (const timer of timers) clearInterval(timer)
      await Promise.all(loops.map(async (loop) => loop.running))
    },
  }
}

/** Those of a row run one after another; rows do not wait for each other. */
function createSchedule() {
  return [
    {
      everyMs: tickMs,
      reconcilers: [
        syncActive,
        recordUsage,
        createStorageRecorder(),
        enforceQuotas,
        enforceSizeQuotas,
        expireBranches,
        expireSnapshots,
        purgeDeleted,
        trimOldOperations,
        trimOldRehearsals,
      ],
    },
    { everyMs: tickMs / 2, reconcilers: [createLeftOperationsRecoverer()] },
    { everyMs: tickMs, reconcilers: [createLeftComputesReconciler()] },
    { everyMs: tickMs, reconcilers: [takeDueSnapshots, runSchedules, createReplicaRefresher()] },
    { everyMs: tickMs, reconcilers: [verifyNextSnapshot] },
    { everyMs: seldomMs, reconcilers: [readNextExclusive] },
    { everyMs: seldomMs, reconcilers: [trimHistory, archiveColdBranches, packArchivedBranches] },
  ]
}

/** Volumes that no row explains are never destroyed: they may be all that is left of a lost store. */
export async function reportUnknownVolumes(context: Context): Promise<string[]> {
  const unknown = await findUnknownVolumes(context)
  if (unknown.length > 0) {
    context.log.warn({ volumes: unknown }, 'the pool holds volumes that the store does not know')
  }
  return unknown
}

/**
 * Copies what computes have done since the last time into the store, for lists. One that is awake and
 * unused has nothing new, and reading its sizes would cost it something at every tick.
 */
async function syncActive(context: Context): Promise<void> {
  for (const endpoint of await listLiveEndpoints(context.store)) {
    const compute = context.host.get(endpoint.id)
    if (compute?.state !== 'active') continue
    const { lastActiveAt } = compute
    const { last_active } = endpoint
    // One that is later than now is by a clock that was wrong.
    const isKnown = last_active !== null && lastActiveAt <= last_active && last_active <= new Date()
    if (isKnown) continue
    await syncCatalog(context, endpoint.branch_id)
    await recordLastActive(context.store, endpoint.id, lastActiveAt)
  }
}

export async function expireBranches(context: Context): Promise<void> {
  for (const branch of await listExpiredBranches(context.store)) {
    // A branch that got children after it was given its end waits for them to go.
    if ((await listChildNames(context.store, branch.id)).length > 0) continue
    if (!(await expireBranch(context, branch))) continue
    context.log.info({ branch_id: branch.id, branch: branch.name }, 'branch expired')
  }
}

/** Purges what can no longer be recovered, and earlier, oldest first, when the pool is short of space. */
export async function purgeDeleted(context: Context): Promise<void> {
  for (const branch of await listPurgeableBranches(context.store, { evenIfRecoverable: false })) {
    context.log.info({ branch_id: branch.id, branch: branch.name }, 'purging a deleted branch')
    await purgeIfDeleted(context, branch.id, branch.deleted_at)
  }
  for (const project of await listExpiredProjects(context.store)) {
    context.log.info({ project_id: project.id }, 'purging a deleted project')
    await purgeIfExpired(context, project.id)
  }
  await purgeForSpace(context)
}

export async function expireSnapshots(context: Context): Promise<void> {
  for (const snapshot of await listExpiredSnapshots(context.store)) {
    if (!(await expireSnapshot(context, snapshot))) continue
    context.log.info({ snapshot_id: snapshot.id, snapshot: snapshot.name }, 'snapshot expired')
  }
}

async function trimOldOperations(context: Context): Promise<void> {
  await trimOperations(context.store)
}

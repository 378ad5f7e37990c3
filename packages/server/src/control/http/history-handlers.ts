import type { Context } from '../context.ts'
import { readHistory } from '../history/read-history.ts'
import { requireBranch } from '../lookups.ts'
import { presentBranch, presentOperation, presentSnapshot } from '../present.ts'
import { resetToParent, restoreBranch, type RestoredBranch } from '../restore.ts'
import { readSchedule, setSchedule } from '../snapshot-schedules.ts'
import * as snapshots from '../snapshots.ts'
import type { Handlers } from './server.ts'

const restoredAnswer = ({ branch, operations }: RestoredBranch) => ({
  branch: presentBranch(branch),
  operations: operations.map(presentOperation),
})

export function historyHandlers(context: Context) {
  return {
    restoreProjectBranch: async ({ path, body }) =>
      restoredAnswer(await restoreBranch(context, path.project_id, path.branch_id, body)),
    resetProjectBranchToParent: async ({ path }) =>
      restoredAnswer(await resetToParent(context, path.project_id, path.branch_id)),
    finalizeRestoreBranch: async ({ path, body }) => ({
      operations: [
        presentOperation(
          await snapshots.finalizeRestore(context, path.project_id, path.branch_id, body ?? {}),
        ),
      ],
    }),
    getProjectBranchHistory: async ({ path }) => ({
      history: await readHistory(context, path.project_id, path.branch_id),
    }),
    createSnapshot: async ({ path, query }) => {
      const made = await snapshots.createSnapshot(context, path.project_id, path.branch_id, query)
      return {
        snapshot: presentSnapshot(made.snapshot),
        operations: made.operations.map(presentOperation),
      }
    },
    listSnapshots: async ({ path }) => ({
      snapshots: (await snapshots.listSnapshots(context, path.project_id)).map(presentSnapshot),
    }),
    updateSnapshot: async ({ path, body }) => ({
      snapshot: presentSnapshot(
        await snapshots.updateSnapshot(context, path.project_id, path.snapshot_id, body.snapshot),
      ),
    }),
    deleteSnapshot: async ({ path }) => ({
      operations: [
        presentOperation(
          await snapshots.deleteSnapshot(context, path.project_id, path.snapshot_id),
        ),
      ],
    }),
    restoreSnapshot: async ({ path, query, body }) =>
      restoredAnswer(
        await snapshots.restoreSnapshot(context, path.project_id, path.snapshot_id, {
          ...query,
          ...body,
        }),
      ),
    getSnapshotSchedule: async ({ path }) => {
      const branch = await requireBranch(context, path.project_id, path.branch_id)
      return { schedule: await readSchedule(context, branch) }
    },
    setSnapshotSchedule: async ({ path, body }) => {
      const branch = await requireBranch(context, path.project_id, path.branch_id)
      await setSchedule(context, branch, body.schedule)
      return {}
    },
  } satisfies Partial<Handlers>
}

import { must } from '../../lib/assert.ts'
import type { Context } from '../context.ts'
import { makeVolume } from '../history/make-volume.ts'
import { momentOf } from '../history/moments.ts'
import { recordCatalog } from '../history/record-catalog.ts'
import { requireRemaining } from '../lookups.ts'
import { findAnyBranch, markBranchReady, setOrigin } from '../store/branches.ts'
import type { OperationRow } from '../store/operations.ts'
import { markSnapshotReady } from '../store/snapshots.ts'
import { transact } from '../store/store.ts'
import { purgeBranch } from './branch-volume.ts'
import type { OperationKind } from './operation.ts'

/** A point of a branch is kept, as a branch that is not listed and has no computes. */
export const keepSnapshot: OperationKind = {
  onCrash: 'undo',
  steps: [
    { name: 'clone', run: clone },
    { name: 'publish', run: publish },
  ],
  undo: async (context, operation) => {
    const branch = await findAnyBranch(context.store, must(operation.branch_id, 'names a branch'))
    if (branch !== undefined && branch.ready_at === null) await purgeBranch(context, branch)
  },
}

async function clone(context: Context, operation: OperationRow): Promise<void> {
  const branch = await read(context, operation)
  if (await context.volumes.exists(branch.volume_id)) return
  const source = await requireRemaining(context, String(operation.input['source_branch_id']))
  const moment = momentOf(operation)
  const { origin } = await makeVolume(context, {
    source,
    moment,
    volumeId: branch.volume_id,
    isFrozen: true,
    beside: async (catalog) => recordCatalog(context, { branch, source, past: moment && catalog }),
  })
  await setOrigin(context.store, branch.id, origin)
}

async function publish(context: Context, operation: OperationRow): Promise<void> {
  const branch = await read(context, operation)
  await transact(context.store, async (sql) => {
    await markBranchReady(sql, branch.id)
    await markSnapshotReady(sql, must(branch.snapshot_id, 'is a snapshot'), {
      lsn: branch.origin_lsn,
      timestamp: branch.origin_time ?? new Date(),
    })
  })
}

async function read(context: Context, operation: OperationRow) {
  const id = must(operation.branch_id, 'timeline_mark_invisible names a branch')
  return must(await findAnyBranch(context.store, id), 'a snapshot being made has its branch')
}

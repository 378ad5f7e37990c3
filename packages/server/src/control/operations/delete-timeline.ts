import { must } from '../../lib/assert.ts'
import { findAnyBranch } from '../store/branches.ts'
import { purgeBranch, removeComputes } from './branch-volume.ts'
import type { OperationKind } from './operation.ts'

/**
 * The work behind a deleted branch, whose row is marked before this starts. Its computes go at once;
 * its data only with `purge`, which is asked for by `hard_delete` or comes when the recovery window ends.
 */
export const deleteTimeline: OperationKind = {
  onCrash: 'finish',
  steps: [
    {
      name: 'stop',
      run: async (context, operation) =>
        removeComputes(context, must(operation.branch_id, 'delete_timeline names a branch')),
    },
    {
      name: 'purge',
      run: async (context, operation) => {
        if (operation.input['purge'] !== true) return
        const id = must(operation.branch_id, 'delete_timeline names a branch')
        const branch = await findAnyBranch(context.store, id)
        if (branch !== undefined) await purgeBranch(context, branch)
      },
    },
  ],
}

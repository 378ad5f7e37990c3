import { must } from '../../lib/assert.ts'
import { wakeBranchComputes } from '../branch-compute.ts'
import type { Context } from '../context.ts'
import { holdLiveBranch, requireRemaining } from '../lookups.ts'
import { areComputesPut } from '../put-compute.ts'
import { type BranchRow, takePlace } from '../store/branches.ts'
import { exchangeEndpoints } from '../store/endpoints.ts'
import type { OperationRow } from '../store/operations.ts'
import { transact } from '../store/store.ts'
import { exchangeWhileStopped } from '../while-stopped.ts'
import type { OperationKind } from './operation.ts'

/** What the row tells; the row's branch is the restored one. */
export interface FinalizeInput {
  target_branch_id: string
  /** Of the target from then on. */
  new_name: string
}

/**
 * A restored branch takes the place of another: its name, its rank and its computes, whose hosts stay.
 * The other one keeps its data under a new name, with the computes that the restored one had.
 */
export const finalizeRestore: OperationKind = {
  onCrash: 'finish',
  steps: [
    { name: 'exchange', run: exchange },
    { name: 'start', run: start },
  ],
  mustFinish: async (context, operation) => {
    const { branch, target } = await read(context, operation)
    if (branch.restore_status !== 'finalized') return false
    return !(
      (await areComputesPut(context, branch.id)) && (await areComputesPut(context, target.id))
    )
  },
}

async function exchange(context: Context, operation: OperationRow): Promise<void> {
  const { target } = await read(context, operation)
  // The target may be restored itself at the same time. It is older, so nobody waits the other way round.
  await context.locks.run(target.id, async () => exchangeLocked(context, operation))
}

async function exchangeLocked(context: Context, operation: OperationRow): Promise<void> {
  const { branch, target, newName } = await read(context, operation)
  await exchangeWhileStopped(context, [branch.id, target.id], async () => {
    if (branch.restore_status === 'finalized') return
    await transact(context.store, async (sql) => {
      for (const one of inOrder([branch, target])) await holdLiveBranch(sql, one)
      await takePlace(sql, { branch, target, newName })
      await exchangeEndpoints(sql, branch.id, target.id)
    })
  })
}

/** Always the same, so that two of these do not wait for each other. */
const inOrder = (branches: BranchRow[]): BranchRow[] =>
  branches.toSorted((one, other) => (one.id < other.id ? -1 : 1))

/** Who may log in is known of the other one's data until then, and the passwords may differ. */
async function start(context: Context, operation: OperationRow): Promise<void> {
  const { branch, target } = await read(context, operation)
  for (const { id } of [branch, target]) await wakeBranchComputes(context, id)
}

async function read(
  context: Context,
  operation: OperationRow,
): Promise<{ branch: BranchRow; target: BranchRow; newName: string }> {
  const { target_branch_id, new_name } = operation.input as unknown as FinalizeInput
  const id = must(operation.branch_id, 'detach_parent_branch names a branch')
  return {
    branch: await requireRemaining(context, id),
    target: await requireRemaining(context, target_branch_id),
    newName: new_name,
  }
}

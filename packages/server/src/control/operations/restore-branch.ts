import { must } from '../../lib/assert.ts'
import { wakeBranchComputes } from '../branch-compute.ts'
import { syncCatalog } from '../catalog-sync.ts'
import type { Context } from '../context.ts'
import { removeLine } from '../history/line-snapshots.ts'
import { makeVolume } from '../history/make-volume.ts'
import { momentOf } from '../history/moments.ts'
import { endReplay } from '../history/replay.ts'
import { branchExists, holdLiveBranch, requireRemaining } from '../lookups.ts'
import { areComputesPut } from '../put-compute.ts'
import { type BranchRow, exchangeLine, findBranchOfLine, type Origin } from '../store/branches.ts'
import { copyDatabases } from '../store/databases.ts'
import { addOperationInput, findOperation, type OperationRow } from '../store/operations.ts'
import { copyRoles } from '../store/roles.ts'
import { isUniqueViolation, transact } from '../store/store.ts'
import { exchangeWhileStopped } from '../while-stopped.ts'
import type { OperationKind } from './operation.ts'

/** What the row tells. */
export interface RestoreInput {
  source_branch_id: string
  timestamp?: string
  lsn?: string
  /** The line that is made for the branch. */
  volume_id: string
  /** What the branch has been until then goes on as this branch. */
  backup_id: string
  backup_name: string
  /** Null where it stays; else it is a deleted branch, which can be recovered until then. */
  backup_until: string | null
  /** The branch's parent from then on. */
  parent_id: string | null
}

/**
 * A branch gets the data of a branch at a moment. The new line is made beside; then, while its computes
 * cannot be woken, the rows are exchanged and the computes told of their new directories. Names, hosts
 * and passwords stay. Until the exchange everything can be undone, from then on it is finished.
 */
export const restoreBranch: OperationKind = {
  onCrash: async (context, operation) =>
    (await isExchanged(context, operation)) ? 'finish' : 'undo',
  steps: [
    { name: 'materialize', run: materialize },
    { name: 'exchange', run: exchange },
    { name: 'start', run: start },
  ],
  mustFinish: async (context, operation) =>
    (await isExchanged(context, operation)) &&
    !(await areComputesPut(context, branchIdOf(operation))),
  undo: async (context, operation) => {
    if (await isExchanged(context, operation)) return
    const { volume_id } = inputOf(operation)
    await endReplay(context, volume_id)
    await removeLine(context, volume_id)
    await context.volumes.destroy(volume_id)
  },
}

const inputOf = (operation: OperationRow): RestoreInput =>
  operation.input as unknown as RestoreInput

async function isExchanged(context: Context, operation: OperationRow): Promise<boolean> {
  const owner = await findBranchOfLine(context.store, inputOf(operation).volume_id)
  return owner !== undefined
}

async function materialize(context: Context, operation: OperationRow): Promise<void> {
  if (await isExchanged(context, operation)) return
  const input = inputOf(operation)
  const source = await requireRemaining(context, input.source_branch_id)
  const { origin } = await makeVolume(context, {
    source,
    moment: momentOf(operation),
    volumeId: input.volume_id,
    beside: async () => undefined,
  })
  await addOperationInput(context.store, operation.id, {
    origin_line: origin.line,
    origin_lsn: origin.lsn,
    origin_time: origin.time.toISOString(),
  })
}

async function exchange(context: Context, operation: OperationRow): Promise<void> {
  const input = inputOf(operation)
  const branch = await readBranch(context, operation)
  await exchangeWhileStopped(context, [branch.id], async () => {
    if (await isExchanged(context, operation)) return
    const origin = await readOrigin(context, operation)
    await transact(context.store, async (sql) => {
      await holdLiveBranch(sql, branch)
      await exchangeLine(sql, {
        branch,
        line: input.volume_id,
        origin,
        parentId: input.parent_id,
        backup: {
          id: input.backup_id,
          name: input.backup_name,
          deletedUntil: input.backup_until === null ? null : new Date(input.backup_until),
        },
      })
      await copyRoles(sql, branch.id, input.backup_id)
      await copyDatabases(sql, branch.id, input.backup_id)
    }).catch((error: unknown) => {
      throw isUniqueViolation(error) ? branchExists(input.backup_name) : error
    })
  })
}

/** Its roles and databases are those of the moment now. */
async function start(context: Context, operation: OperationRow): Promise<void> {
  const branch = await readBranch(context, operation)
  await wakeBranchComputes(context, branch.id)
  await syncCatalog(context, branch.id)
}

async function readBranch(context: Context, operation: OperationRow): Promise<BranchRow> {
  return requireRemaining(context, branchIdOf(operation))
}

const branchIdOf = ({ branch_id }: OperationRow): string =>
  must(branch_id, 'swap_binding_id names a branch')

/** Of the row as the step before has left it. */
async function readOrigin(context: Context, operation: OperationRow): Promise<Origin> {
  const row = await findOperation(context.store, operation.project_id, operation.id)
  const { origin_line, origin_lsn, origin_time } = must(row, 'an operation has a row').input
  return {
    line: String(origin_line),
    lsn: typeof origin_lsn === 'string' ? origin_lsn : null,
    time: new Date(String(origin_time)),
  }
}

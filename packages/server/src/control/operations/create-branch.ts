import { must } from '../../lib/assert.ts'
import { cloneVolume } from '../clone-volume.ts'
import type { Context } from '../context.ts'
import { putCompute } from '../put-compute.ts'
import { type BranchRow, findAnyBranch, markBranchReady, setOrigin } from '../store/branches.ts'
import { copyDatabases } from '../store/databases.ts'
import { listBranchEndpoints } from '../store/endpoints.ts'
import type { OperationRow } from '../store/operations.ts'
import { copyRoles } from '../store/roles.ts'
import { purgeBranch } from './branch-volume.ts'
import type { OperationKind } from './operation.ts'

/**
 * A branch of its parent's present. The clone is whole, and its computes are known to the host, before
 * anyone can see the branch; it becomes visible in one transaction with its roles and databases. Its
 * computes start meanwhile: who asks for a branch with a compute is about to connect.
 */
export const createBranch: OperationKind = {
  onCrash: 'undo',
  steps: [
    { name: 'clone', run: clone },
    { name: 'start', run: start },
    { name: 'publish', run: publish },
  ],
  undo: async (context, operation) => {
    const branch = await findAnyBranch(context.store, must(operation.branch_id, 'names a branch'))
    if (branch !== undefined && branch.ready_at === null) await purgeBranch(context, branch)
  },
}

async function clone(context: Context, operation: OperationRow): Promise<void> {
  const { branch, parent } = await read(context, operation)
  if (await context.volumes.exists(branch.volume_id)) return
  const endpoints = await listBranchEndpoints(context.store, branch.id)
  const { parentLsn, parentTimestamp } = await cloneVolume(
    context,
    parent,
    branch.volume_id,
    // With the parent's roles, so that the branch's users can log in before it first starts.
    async (catalog) => {
      for (const endpoint of endpoints) {
        await putCompute(context, endpoint.id, { catalog })
      }
    },
  )
  await setOrigin(context.store, branch.id, parentLsn, parentTimestamp)
}

/** Not waited for: the operation `start_compute` is, and a connection that comes first waits by itself. */
async function start(context: Context, operation: OperationRow): Promise<void> {
  const id = must(operation.branch_id, 'create_branch names a branch')
  for (const endpoint of await listBranchEndpoints(context.store, id)) {
    if (endpoint.disabled) continue
    // Its failure is that of `start_compute`, which tries again and records it.
    context.host
      .get(endpoint.id)
      ?.wake()
      .catch(() => undefined)
  }
}

async function publish(context: Context, operation: OperationRow): Promise<void> {
  const { branch, parent } = await read(context, operation)
  await context.store.begin(async (sql) => {
    await copyRoles(sql, parent.id, branch.id)
    await copyDatabases(sql, parent.id, branch.id)
    await markBranchReady(sql, branch.id)
  })
}

async function read(
  context: Context,
  operation: OperationRow,
): Promise<{ branch: BranchRow; parent: BranchRow }> {
  const id = must(operation.branch_id, 'create_branch names a branch')
  const branch = must(await findAnyBranch(context.store, id), 'the branch being made has a row')
  const parentId = must(branch.parent_id, 'a branch being made has a parent')
  const parent = must(await findAnyBranch(context.store, parentId), 'the parent has a row')
  return { branch, parent }
}

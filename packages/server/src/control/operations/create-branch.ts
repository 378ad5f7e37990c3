import { must } from '../../lib/assert.ts'
import type { Context } from '../context.ts'
import { makeVolume } from '../history/make-volume.ts'
import { momentOf } from '../history/moments.ts'
import { recordCatalog } from '../history/record-catalog.ts'
import { requireRemaining } from '../lookups.ts'
import { putCompute } from '../put-compute.ts'
import { type BranchRow, findAnyBranch, markBranchReady, setOrigin } from '../store/branches.ts'
import { listBranchEndpoints } from '../store/endpoints.ts'
import type { OperationRow } from '../store/operations.ts'
import { purgeBranch } from './branch-volume.ts'
import type { OperationKind } from './operation.ts'

/**
 * A branch of its parent, now or at a moment. The clone is whole, and its computes are known to the host, before
 * anyone can see the branch; its roles and databases have rows before it becomes visible. Its
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
  const { branch, source } = await read(context, operation)
  if (await context.volumes.exists(branch.volume_id)) return
  const endpoints = await listBranchEndpoints(context.store, branch.id)
  const moment = momentOf(operation)
  const made = await makeVolume(context, {
    source,
    moment,
    volumeId: branch.volume_id,
    // With the parent's roles, so that the branch's users can log in before it first starts.
    beside: async (catalog) => {
      await recordCatalog(context, { branch, source, past: moment && catalog })
      for (const endpoint of endpoints) {
        await putCompute(context, endpoint.id, { catalog })
      }
    },
  })
  await setOrigin(context.store, branch.id, made.origin)
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
  const { branch } = await read(context, operation)
  await markBranchReady(context.store, branch.id)
}

async function read(
  context: Context,
  operation: OperationRow,
): Promise<{ branch: BranchRow; source: BranchRow }> {
  const id = must(operation.branch_id, 'create_branch names a branch')
  const branch = must(await findAnyBranch(context.store, id), 'the branch being made has a row')
  const sourceId = String(operation.input['source_branch_id'])
  return { branch, source: await requireRemaining(context, sourceId) }
}

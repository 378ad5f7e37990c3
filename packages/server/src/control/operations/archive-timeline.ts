import { must } from '../../lib/assert.ts'
import type { Context } from '../context.ts'
import { unpackVolume } from '../packed-volume.ts'
import { requireAnyBranch, setArchived } from '../store/branches.ts'
import { listBranchEndpoints } from '../store/endpoints.ts'
import type { OperationRow } from '../store/operations.ts'
import type { OperationKind } from './operation.ts'

/** A branch is put away; it is packed later, when its past has left the window of history. */
export const archiveTimeline: OperationKind = {
  onCrash: 'finish',
  steps: [
    {
      name: 'suspend',
      run: async (context, operation) => {
        for (const endpoint of await listBranchEndpoints(context.store, branchId(operation))) {
          await context.host.get(endpoint.id)?.suspend({ force: true })
        }
      },
    },
    { name: 'mark', run: async (context, operation) => mark(context, operation, true) },
  ],
}

/** A branch is brought back; its computes start when they are connected to. */
export const unarchiveTimeline: OperationKind = {
  onCrash: 'finish',
  steps: [
    {
      name: 'unpack',
      run: async (context, operation) => {
        const branch = await requireAnyBranch(context.store, branchId(operation))
        await unpackVolume(context, branch.volume_id)
      },
    },
    { name: 'mark', run: async (context, operation) => mark(context, operation, false) },
  ],
}

const branchId = (operation: OperationRow): string =>
  must(operation.branch_id, 'an archive operation names a branch')

async function mark(context: Context, operation: OperationRow, isArchived: boolean): Promise<void> {
  await setArchived(context.store, branchId(operation), isArchived)
}

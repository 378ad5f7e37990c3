import type { BranchCreate } from '@coppice/api'

import type { BranchRow, NewBranch } from './store/branches.ts'
import type { NewOperation } from './store/operations.ts'

/** How a branch comes to be, as its row and its operation tell. */
interface Making {
  branch: Pick<NewBranch, 'parent_id' | 'init_source'>
  operation: Pick<NewOperation, 'action' | 'input'>
}

/**
 * A branch with its parent's data, or one with its parent's schema only, which has no parent: nothing of
 * the other's history is in it, and so it cannot be reset to it either.
 */
export function planMaking(wanted: NonNullable<BranchCreate['branch']>, parent: BranchRow): Making {
  if (wanted.init_source !== 'schema-only') {
    return { branch: { parent_id: parent.id }, operation: { action: 'create_branch' } }
  }
  return {
    branch: { parent_id: null, init_source: 'schema-only' },
    operation: {
      action: 'apply_schema_from_branch',
      input: {
        source_branch_id: parent.id,
        ...(wanted.parent_lsn !== undefined && { lsn: wanted.parent_lsn }),
        ...(wanted.parent_timestamp !== undefined && { timestamp: wanted.parent_timestamp }),
      },
    },
  }
}

import type { OperationAction } from '@coppice/api'

import type { OperationRow } from '../store/operations.ts'
import { applyConfig } from './apply-config.ts'
import { applySchemaFromBranch } from './apply-schema-from-branch.ts'
import { archiveTimeline, unarchiveTimeline } from './archive-timeline.ts'
import { createBranch } from './create-branch.ts'
import { createTimeline } from './create-timeline.ts'
import { deleteTimeline } from './delete-timeline.ts'
import { finalizeRestore } from './finalize-restore.ts'
import { importData } from './import-data.ts'
import { keepSnapshot } from './keep-snapshot.ts'
import type { OperationKind } from './operation.ts'
import { restoreBranch } from './restore-branch.ts'
import { startCompute } from './start-compute.ts'
import { suspendCompute } from './suspend-compute.ts'

/** Every operation there is, by Neon's name of its action. */
export const kinds: Record<OperationAction, OperationKind> = {
  create_timeline: createTimeline,
  create_branch: createBranch,
  delete_timeline: deleteTimeline,
  start_compute: startCompute,
  suspend_compute: suspendCompute,
  apply_config: applyConfig,
  apply_schema_from_branch: applySchemaFromBranch,
  import_data: importData,
  swap_binding_id: restoreBranch,
  timeline_mark_invisible: keepSnapshot,
  detach_parent_branch: finalizeRestore,
  timeline_archive: archiveTimeline,
  timeline_unarchive: unarchiveTimeline,
}

export const kindOf = (operation: OperationRow): OperationKind => kinds[operation.action]

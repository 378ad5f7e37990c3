import type { BranchRestore } from '@coppice/api'

import { AppError } from '../lib/errors.ts'
import { newBranchId } from '../lib/ids.ts'
import type { Context } from './context.ts'
import { findStart, readMoment } from './history/moments.ts'
import { branchExists, requireBranch, requireProject } from './lookups.ts'
import { refuseUnmasking } from './masking.ts'
import { checkBranchName } from './names.ts'
import type { RestoreInput } from './operations/restore-branch.ts'
import { runOperation } from './operations/runner.ts'
import { makeSpace } from './purge.ts'
import { findBranch, listChildNames } from './store/branches.ts'
import type { BranchRow } from './store/branches.ts'
import { insertOperation, type OperationRow } from './store/operations.ts'

export interface RestoredBranch {
  branch: BranchRow
  operations: OperationRow[]
}

/**
 * Replaces the data of a branch by that of a branch at a moment, or now. Its name, hosts, roles'
 * passwords and settings stay; what it held goes on as a branch of the name given, or, where none is
 * given, as a deleted branch that can be recovered for a while.
 */
export async function restoreBranch(
  context: Context,
  projectId: string,
  idOrName: string,
  request: BranchRestore,
): Promise<RestoredBranch> {
  const project = await requireProject(context, projectId)
  const branch = await requireBranch(context, projectId, idOrName)
  const source = await requireBranch(context, projectId, request.source_branch_id)
  const moment = readMoment({ timestamp: request.source_timestamp, lsn: request.source_lsn })
  const isSelf = source.id === branch.id
  const isReset = source.id === branch.parent_id && moment === undefined
  if (isSelf && moment === undefined) {
    throw new AppError(
      'invalid_request',
      'a restore of a branch from itself needs source_timestamp or source_lsn',
    )
  }
  if (isReset && branch.protected) {
    throw new AppError(
      'branch_is_protected',
      `branch ${branch.name} is protected and cannot be reset; unprotect it first`,
    )
  }
  await refuseUnmasking(context, branch, source)
  const preserved = await checkPreserved(context, branch, request, isSelf)
  // Refused here, before anything is made.
  if (moment !== undefined) await findStart(context, project, source, moment)
  await makeSpace(context)
  const backupId = newBranchId()
  const windowMs = context.settings.recoveryWindowSeconds * 1000
  const input = {
    source_branch_id: source.id,
    ...(request.source_timestamp !== undefined && { timestamp: request.source_timestamp }),
    ...(request.source_lsn !== undefined && { lsn: request.source_lsn }),
    volume_id: newBranchId(),
    backup_id: backupId,
    backup_name: preserved ?? `${branch.name}_old_${new Date().toISOString()}`,
    backup_until: preserved === undefined ? new Date(Date.now() + windowMs).toISOString() : null,
    // As on Neon, what a branch was is its parent from then on; one that is reset keeps its parent.
    parent_id:
      preserved === undefined || source.id === branch.parent_id ? branch.parent_id : backupId,
  } satisfies RestoreInput
  const operation = await insertOperation(context.store, {
    project_id: projectId,
    branch_id: branch.id,
    action: 'swap_binding_id',
    input,
  })
  const finished = await runOperation(context, operation)
  return {
    branch: await requireBranch(context, projectId, branch.id),
    operations: [finished],
  }
}

/** A branch becomes what its parent is now. */
export async function resetToParent(
  context: Context,
  projectId: string,
  idOrName: string,
): Promise<RestoredBranch> {
  const branch = await requireBranch(context, projectId, idOrName)
  if (branch.parent_id === null) {
    throw new AppError('invalid_request', `branch ${branch.name} has no parent to be reset to`)
  }
  return restoreBranch(context, projectId, branch.id, { source_branch_id: branch.parent_id })
}

/** The name under which the branch's state of now is kept, where it is to stay. */
async function checkPreserved(
  context: Context,
  branch: BranchRow,
  request: BranchRestore,
  isSelf: boolean,
): Promise<string | undefined> {
  const given = request.preserve_under_name
  if (given === undefined) {
    const children = await listChildNames(context.store, branch.id)
    if (children.length > 0 || isSelf) {
      throw new AppError(
        children.length > 0 ? 'branch_has_children' : 'invalid_request',
        children.length > 0
          ? `branch ${branch.name} has child branches; give preserve_under_name, under which it is kept with them`
          : 'a restore of a branch from itself needs preserve_under_name, under which it is kept as it is now',
      )
    }
    return undefined
  }
  const name = checkBranchName(given)
  if ((await findBranch(context.store, branch.project_id, name)) !== undefined) {
    throw branchExists(name)
  }
  return name
}

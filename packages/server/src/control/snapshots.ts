import type { SnapshotCreate, SnapshotRestore, SnapshotUpdate } from '@coppice/api'

import { AppError } from '../lib/errors.ts'
import { newBranchId, newSnapshotId } from '../lib/ids.ts'
import { type CreatedBranch, createBranchFrom } from './branches.ts'
import type { Context } from './context.ts'
import { findStart, readMoment } from './history/moments.ts'
import { branchExists, requireBranch, requireProject } from './lookups.ts'
import { refuseUnmasking } from './masking.ts'
import { checkBranchName } from './names.ts'
import type { FinalizeInput } from './operations/finalize-restore.ts'
import { runOperation } from './operations/runner.ts'
import { makeSpace } from './purge.ts'
import { findBranch, insertBranch, requireAnyBranch } from './store/branches.ts'
import { insertOperation, type OperationRow } from './store/operations.ts'
import * as store from './store/snapshots.ts'
import type { SnapshotRow } from './store/snapshots.ts'
import { isUniqueViolation, transact } from './store/store.ts'

export interface SnapshotChange {
  snapshot: SnapshotRow
  operations: OperationRow[]
}

/** Keeps a branch as it is, or as it was at a moment, until it is deleted or expires. */
export async function createSnapshot(
  context: Context,
  projectId: string,
  branchName: string,
  request: SnapshotCreate & { manual?: boolean },
): Promise<SnapshotChange> {
  const project = await requireProject(context, projectId)
  const source = await requireBranch(context, projectId, branchName)
  const moment = readMoment(request)
  if (moment !== undefined) await findStart(context, project, source, moment)
  const expiresAt = request.expires_at === undefined ? null : parseExpiry(request.expires_at)
  await makeSpace(context)
  const id = newSnapshotId()
  const branchId = newBranchId()
  const operation = await transact(context.store, async (sql) => {
    await store.insertSnapshot(sql, {
      id,
      project_id: projectId,
      source_branch_id: source.id,
      name: request.name ?? `${source.name} at ${new Date().toISOString()}`,
      slug: request.slug ?? null,
      manual: request.manual ?? true,
      expires_at: expiresAt,
    })
    await insertBranch(sql, {
      id: branchId,
      project_id: projectId,
      parent_id: source.id,
      // Hidden: no branch that is listed may have the name of an id.
      name: id,
      volume_id: branchId,
      is_default: false,
      protected: false,
      expires_at: null,
      snapshot_id: id,
    })
    return insertOperation(sql, {
      project_id: projectId,
      branch_id: branchId,
      action: 'timeline_mark_invisible',
      input: {
        source_branch_id: source.id,
        ...(request.timestamp !== undefined && { timestamp: request.timestamp }),
        ...(request.lsn !== undefined && { lsn: request.lsn }),
      },
    })
  }).catch((error: unknown) => {
    if (!isUniqueViolation(error)) throw error
    throw new AppError(
      'invalid_request',
      `another snapshot of this project has the slug ${request.slug}; choose another`,
    )
  })
  const finished = await runOperation(context, operation)
  return { snapshot: await requireSnapshot(context, projectId, id), operations: [finished] }
}

export async function listSnapshots(context: Context, projectId: string): Promise<SnapshotRow[]> {
  await requireProject(context, projectId)
  return store.listSnapshots(context.store, projectId)
}

export async function requireSnapshot(
  context: Context,
  projectId: string,
  id: string,
): Promise<SnapshotRow> {
  const snapshot = await store.findSnapshot(context.store, projectId, id)
  if (snapshot !== undefined) return snapshot
  await requireProject(context, projectId)
  throw new AppError('snapshot_not_found', `snapshot ${id} does not exist`)
}

export async function updateSnapshot(
  context: Context,
  projectId: string,
  id: string,
  change: SnapshotUpdate['snapshot'],
): Promise<SnapshotRow> {
  await requireSnapshot(context, projectId, id)
  await store.updateSnapshot(context.store, id, {
    name: change.name,
    expires_at:
      change.expires_at === undefined || change.expires_at === null
        ? change.expires_at
        : parseExpiry(change.expires_at),
  })
  return requireSnapshot(context, projectId, id)
}

/** For good: a snapshot is what one goes back to, and not kept twice. */
export async function deleteSnapshot(
  context: Context,
  projectId: string,
  id: string,
): Promise<OperationRow> {
  const snapshot = await requireSnapshot(context, projectId, id)
  const operation = await transact(context.store, async (sql) => {
    await store.hideSnapshot(sql, id)
    return insertOperation(sql, removalOf(snapshot))
  })
  return runOperation(context, operation)
}

/** Removes a snapshot whose end has come, unless that was moved since it was listed. Answers whether it was removed. */
export async function expireSnapshot(context: Context, snapshot: SnapshotRow): Promise<boolean> {
  const operation = await transact(context.store, async (sql) => {
    if (!(await store.hideExpiredSnapshot(sql, snapshot.id))) return undefined
    return insertOperation(sql, removalOf(snapshot))
  })
  if (operation === undefined) return false
  await runOperation(context, operation)
  return true
}

const removalOf = ({ project_id, branch_id }: SnapshotRow) => ({
  project_id,
  branch_id,
  action: 'delete_timeline' as const,
  input: { purge: true },
})

/**
 * Makes a branch of a snapshot, with a compute to look at it. With `finalize_restore` it takes the place
 * of the snapshot's source, or of the target given, at once; else `finalizeRestore` does that later.
 */
export async function restoreSnapshot(
  context: Context,
  projectId: string,
  id: string,
  request: SnapshotRestore,
): Promise<CreatedBranch> {
  const project = await requireProject(context, projectId)
  const snapshot = await requireSnapshot(context, projectId, id)
  const targetId = request.target_branch_id ?? snapshot.source_branch_id
  const target =
    targetId === null ? undefined : await findBranch(context.store, projectId, targetId)
  if (
    target === undefined &&
    (request.target_branch_id !== undefined || request.finalize_restore)
  ) {
    throw new AppError(
      'branch_not_found',
      `branch ${targetId ?? '(the source of the snapshot)'} does not exist; name another with target_branch_id`,
    )
  }
  const source = await requireAnyBranch(context.store, snapshot.branch_id)
  if (target !== undefined) await refuseUnmasking(context, target, source)
  const name = checkBranchName(request.name ?? (await freeName(context, projectId, snapshot)))
  const created = await createBranchFrom(context, {
    project,
    source,
    branch: {
      parent_id: target?.id ?? null,
      name,
      protected: false,
      expires_at: null,
      restored_from: snapshot.id,
      restore_target_id: target?.id ?? null,
      restore_status: 'restored',
    },
    endpoints: [{ type: 'read_write' }],
  })
  if (request.finalize_restore !== true) return created
  const operation = await finalizeRestore(context, projectId, created.branch.id, {})
  return {
    ...created,
    branch: await requireBranch(context, projectId, created.branch.id),
    operations: [...created.operations, operation],
  }
}

/** Lets a restored branch take the place of the branch that it was made to replace. */
export async function finalizeRestore(
  context: Context,
  projectId: string,
  branchName: string,
  request: { name?: string },
): Promise<OperationRow> {
  const branch = await requireBranch(context, projectId, branchName)
  if (branch.restore_status !== 'restored' || branch.restore_target_id === null) {
    throw new AppError(
      'invalid_request',
      branch.restore_status === 'finalized'
        ? `the restore of branch ${branch.name} is finalized already`
        : `branch ${branch.name} was not restored from a snapshot`,
    )
  }
  const target = await requireBranch(context, projectId, branch.restore_target_id)
  const newName = checkBranchName(request.name ?? `${target.name}_old_${new Date().toISOString()}`)
  if ((await findBranch(context.store, projectId, newName)) !== undefined) {
    throw branchExists(newName)
  }
  const operation = await insertOperation(context.store, {
    project_id: projectId,
    branch_id: branch.id,
    action: 'detach_parent_branch',
    input: { target_branch_id: target.id, new_name: newName } satisfies FinalizeInput,
  })
  return runOperation(context, operation)
}

async function freeName(
  context: Context,
  projectId: string,
  snapshot: SnapshotRow,
): Promise<string> {
  const wanted = `${snapshot.name} (restored)`.slice(0, 230)
  const taken = await findBranch(context.store, projectId, wanted)
  return taken === undefined ? wanted : `${wanted} ${new Date().toISOString()}`
}

function parseExpiry(text: string): Date {
  const date = new Date(text)
  if (!Number.isNaN(date.getTime()) && date.getTime() > Date.now()) return date
  throw new AppError('invalid_request', `expires_at must be a time to come, not ${text}`)
}

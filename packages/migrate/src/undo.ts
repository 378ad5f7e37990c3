import type { Branch, Loss, UndoAnswer } from '@coppice/api'

import { AdvisedError } from './advised-error.ts'
import type { Database } from './database.ts'
import {
  lastRestorePoint,
  namesSince,
  readCounters,
  readPosition,
  type RestorePointRow,
} from './ledger.ts'
import { countLoss } from './loss.ts'
import { type BranchScope, getBranch } from './scope.ts'
import { openSession, readingSession } from './session.ts'
import { stampOf } from './stamp.ts'

/** What going back would mean. */
export interface UndoPreview {
  branch: Branch
  point: RestorePointRow
  /** Names of the migrations that would no longer be applied. */
  undone: string[]
  lost: Loss
  /** Databases that go back as well, for a branch does so as a whole. */
  otherDatabases: string[]
  /** The name that what the branch is now would be kept under. */
  preservedAs: string
}

/** Looks what undoing the last apply would take away; nothing is changed. */
export async function previewUndo(
  scope: BranchScope,
  database: Database,
  preserveUnderName?: string,
): Promise<UndoPreview> {
  const { client, path } = scope
  const branch = await getBranch(scope, path.branch_id)
  const { databases } = await client.listProjectBranchDatabases({ path })
  const prospect = await openSession(database, readingSession, async (session) => {
    const point = await lastRestorePoint(session)
    if (!point) throw nothingToUndo(branch)
    const { nextXid } = await readPosition(session)
    return {
      point,
      undone: await namesSince(session, point.id),
      lost: countLoss(point, await readCounters(session), nextXid),
    }
  })
  return {
    branch,
    ...prospect,
    otherDatabases: databases.map(({ name }) => name).filter((name) => name !== database.name),
    preservedAs: preserveUnderName ?? `${branch.name}-undone-${stampOf(new Date())}`,
  }
}

function nothingToUndo({ name }: Branch): AdvisedError {
  return new AdvisedError(`Nothing has been applied to branch ${name} that could be undone.`, {
    advice: 'An earlier moment: coppice branches restore, coppice snapshots list.',
  })
}

/** Brings the branch back to before the last apply, as it was previewed. */
export async function undoMigrations(
  scope: BranchScope,
  { branch, point, undone, lost, preservedAs }: UndoPreview,
): Promise<UndoAnswer> {
  const { client, projectId } = scope
  try {
    const { branch: restored } = await client.restoreProjectBranch({
      path: { project_id: projectId, branch_id: branch.id },
      body: {
        source_branch_id: branch.id,
        source_lsn: point.lsn,
        preserve_under_name: preservedAs,
      },
    })
    const backup = await getBranch(scope, preservedAs)
    return { restored_branch: restored, backup_branch: backup, undone, lost }
  } catch (error) {
    if (!(error instanceof Error) || point.snapshot_id === null) throw error
    // The snapshot lives longer than the history, which may not reach back so far any more.
    throw new AdvisedError(error.message, {
      advice: `The snapshot of that moment: coppice snapshots restore ${point.snapshot_id} --finalize`,
      cause: error,
    })
  }
}

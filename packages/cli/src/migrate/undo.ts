import type { Branch } from '@coppice/api'

import { confirmed } from '../choose.ts'
import type { Cli } from '../cli.ts'
import { parseConnectionUri } from '../connection-uri.ts'
import { type BranchScope, getBranch } from '../context.ts'
import { CliError } from '../errors.ts'
import {
  lastRestorePoint,
  namesSince,
  readCounters,
  readPosition,
  type RestorePointRow,
} from './ledger.ts'
import { countLoss, describeLoss, type Loss } from './loss.ts'
import { openSession, readingSession } from './session.ts'

export interface UndoOptions {
  yes: boolean
  preserveUnderName: string | undefined
}

export interface UndoAnswer {
  restored_branch: Branch
  backup_branch: Branch
  /** Names of the migrations that are no longer applied. */
  undone: string[]
  lost: Loss
}

interface Prospect {
  point: RestorePointRow
  undone: string[]
  lost: Loss
}

/** Brings the branch back to before the last apply, once it has been said what goes with it. */
export async function undoMigrations(
  cli: Cli,
  scope: BranchScope,
  uri: string,
  options: UndoOptions,
): Promise<UndoAnswer> {
  const branch = await getBranch(scope, scope.path.branch_id)
  const { point, undone, lost } = await lookAhead(uri, branch)
  const preserved = options.preserveUnderName ?? `${branch.name}-undone-${stampOf(new Date())}`
  const loss = [
    `Branch ${branch.name} goes back to ${point.taken_at} (${point.lsn}), before ${undone.join(', ')}.`,
    ...describeLoss(lost),
    ...(await otherDatabases(scope, uri)),
    `What it is now stays as branch ${preserved}. Clients on direct connections have to connect again.`,
  ]
  for (const line of loss) cli.output.note(line)
  if (!options.yes && !(await confirmed(cli, 'Go back?'))) {
    throw new CliError('Nothing was changed.', { advice: 'To go back without being asked: --yes' })
  }
  return { ...(await restore(scope, branch, point, preserved)), undone, lost }
}

/** A branch goes back as a whole. */
async function otherDatabases({ client, path }: BranchScope, uri: string): Promise<string[]> {
  const { databases } = await client.listProjectBranchDatabases({ path })
  const { database } = parseConnectionUri(uri)
  const others = databases.map(({ name }) => name).filter((name) => name !== database)
  if (others.length === 0) return []
  return [`The rows are those of ${database}; ${others.join(', ')} of the branch go back as well.`]
}

async function lookAhead(uri: string, branch: Branch): Promise<Prospect> {
  return openSession(uri, readingSession, async (session) => {
    const point = await lastRestorePoint(session)
    if (!point) {
      throw new CliError(
        `Nothing has been applied to branch ${branch.name} that could be undone.`,
        {
          advice: 'An earlier moment: coppice branches restore, coppice snapshots list.',
        },
      )
    }
    const { nextXid } = await readPosition(session)
    return {
      point,
      undone: await namesSince(session, point.id),
      lost: countLoss(point, await readCounters(session), nextXid),
    }
  })
}

async function restore(
  scope: BranchScope,
  branch: Branch,
  point: RestorePointRow,
  preserved: string,
): Promise<Pick<UndoAnswer, 'restored_branch' | 'backup_branch'>> {
  const { client, projectId } = scope
  const body = {
    source_branch_id: branch.id,
    source_lsn: point.lsn,
    preserve_under_name: preserved,
  }
  try {
    const { branch: restored } = await client.restoreProjectBranch({
      path: { project_id: projectId, branch_id: branch.id },
      body,
    })
    return { restored_branch: restored, backup_branch: await getBranch(scope, preserved) }
  } catch (error) {
    if (!(error instanceof Error) || point.snapshot_id === null) throw error
    // The snapshot lives longer than the history, which may not reach back so far any more.
    throw new CliError(error.message, {
      advice: `The snapshot of that moment: coppice snapshots restore ${point.snapshot_id} --finalize`,
      cause: error,
    })
  }
}

/** `20300131T120000Z`: part of a branch's name. */
export function stampOf(time: Date): string {
  return time.toISOString().replaceAll(/[-:]|\.\d+/g, '')
}

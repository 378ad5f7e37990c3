import type { UndoAnswer } from '@coppice/api'
import type { Database } from '@coppice/migrate/database'
import { describeLoss } from '@coppice/migrate/loss'
import { previewUndo, undoMigrations } from '@coppice/migrate/undo'

import { confirmed } from '../choose.ts'
import type { Cli } from '../cli.ts'
import type { BranchScope } from '../context.ts'
import { CliError } from '../errors.ts'

export interface UndoOptions {
  yes: boolean
  preserveUnderName: string | undefined
}

/** Brings the branch back to before the last apply, once it has been said what goes with it. */
export async function undoLastApply(
  cli: Cli,
  scope: BranchScope,
  database: Database,
  options: UndoOptions,
): Promise<UndoAnswer> {
  const preview = await previewUndo(scope, database, options.preserveUnderName)
  const { branch, point, undone, lost, otherDatabases: others, preservedAs } = preview
  const lines = [
    `Branch ${branch.name} goes back to ${point.taken_at} (${point.lsn}), before ${undone.join(', ')}.`,
    ...describeLoss(lost),
    ...(others.length === 0
      ? []
      : [
          `The rows are those of ${database.name}; ${others.join(', ')} of the branch go back as well.`,
        ]),
    `What it is now stays as branch ${preservedAs}. Clients on direct connections have to connect again.`,
  ]
  for (const line of lines) cli.output.note(line)
  if (!options.yes && !(await confirmed(cli, 'Go back?'))) {
    throw new CliError('Nothing was changed.', { advice: 'To go back without being asked: --yes' })
  }
  return undoMigrations(scope, preview)
}

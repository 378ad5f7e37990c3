import { getBranch } from '@coppice/migrate/scope'
import type { Command } from 'commander'

import { requireBranch } from '../branch-choice.ts'
import type { Cli } from '../cli.ts'
import { openScope } from '../context.ts'
import { defined } from '../defined.ts'
import { addExamples } from '../help.ts'
import { findSnapshot } from '../snapshot-choice.ts'
import { branchDetails } from '../views/branch.ts'

interface RestoreFlags {
  name?: string
  targetBranch?: string
  finalize?: boolean
}

/** `snapshots restore` and `snapshots finalize`. */
export function addSnapshotRestore(snapshots: Command, cli: Cli): void {
  addRestore(snapshots, cli)
  addFinalize(snapshots, cli)
}

function addRestore(snapshots: Command, cli: Cli): void {
  const command = snapshots
    .command('restore')
    .description('Make a branch of a snapshot, to look at or to take the place of another.')
    .argument('<snapshot>', 'Snapshot, by id, name or slug.')
    .option('--name <name>', 'Name of the branch that is made.')
    .option(
      '--target-branch <name|id>',
      "Branch whose place it is to take; the snapshot's own unless given.",
    )
    .option('--finalize', 'Let it take that place at once, computes and name included.')
  addExamples(command, [
    ['snapshots restore before-migration --name look', 'A branch to look at'],
    ['snapshots restore before-migration --target-branch main --finalize', 'Back to then'],
  ]).action(async (reference: string, flags: RestoreFlags) => {
    const scope = await openScope(cli)
    const { targetBranch } = flags
    const snapshot = await findSnapshot(scope, reference)
    const target = targetBranch === undefined ? undefined : await getBranch(scope, targetBranch)
    const { branch, operations } = await scope.client.restoreSnapshot({
      path: { project_id: scope.projectId, snapshot_id: snapshot.id },
      query: {},
      body: defined({
        name: flags.name,
        target_branch_id: target?.id,
        finalize_restore: flags.finalize ?? false,
      }),
    })
    // The keys are those of Neon's CLI.
    const data = operations.length > 0 ? { restored_branch: branch, operations } : branch
    await cli.output.answer(data, () => branchDetails(branch))
    if (flags.finalize) return
    cli.output.note(`To let it take the place: coppice snapshots finalize ${branch.id}`)
  })
}

function addFinalize(snapshots: Command, cli: Cli): void {
  const command = snapshots
    .command('finalize')
    .description('Let a restored branch take the place that it was restored for.')
    .argument('[branch]', 'The restored branch, by name or id.')
    .option('--name <name>', 'Name of the branch that is replaced, from then on.')
  addExamples(command, [['snapshots finalize look --name main-broken', 'And name what was there']])
  command.action(async (positional: string | undefined, { name }: { name?: string }) => {
    const branch = requireBranch({ positional, flags: {} }, 'snapshots finalize look')
    const { client, projectId } = await openScope(cli)
    const { operations } = await client.finalizeRestoreBranch({
      path: { project_id: projectId, branch_id: branch },
      body: name === undefined ? null : { name },
    })
    await cli.output.answer(operations, () => `Branch ${branch} has taken its place.`)
  })
}

import type { Branch } from '@coppice/api'
import { isNow, type Moment } from '@coppice/migrate/moment'
import { getBranch } from '@coppice/migrate/scope'
import type { Command } from 'commander'

import { addBranchFlags, type BranchFlags, chooseBranch, requireBranch } from '../branch-choice.ts'
import type { Cli } from '../cli.ts'
import { openScope, type Scope } from '../context.ts'
import { defined } from '../defined.ts'
import { CliError } from '../errors.ts'
import { addExamples } from '../help.ts'
import { describePoint, findBranch, getParent, parseBranchPoint } from '../point-in-time.ts'
import { branchDetails } from '../views/branch.ts'

interface RestoreFlags extends BranchFlags {
  preserveUnderName?: string
}

/** `branches reset` and `branches restore`: other data under the same address. */
export function addBranchRestore(branches: Command, cli: Cli): void {
  addReset(branches, cli)
  addRestore(branches, cli)
}

function addReset(branches: Command, cli: Cli): void {
  const command = branches
    .command('reset')
    .description('Replace what a branch holds by what its parent holds now. Its address stays.')
    .argument('[branch]', 'Branch, by name or id.')
    .option('--parent', 'To its parent; there is nothing else to reset to, so this has to be said.')
  preserveFlag(addBranchFlags(command, { takesName: true }))
  addExamples(command, [
    ['branches reset dev --parent', 'Begin anew from the parent'],
    ['branches reset dev --parent --preserve-under-name dev-old', 'And keep what was there'],
  ]).action(async (positional: string | undefined, flags: RestoreFlags & { parent?: boolean }) => {
    const name = requireBranch({ positional, flags }, 'branches reset dev --parent')
    if (!flags.parent) {
      throw new CliError(`Reset ${name} to what?`, {
        advice:
          `To its parent: coppice branches reset ${name} --parent\n` +
          `To an earlier moment: coppice branches restore ${name} ^self@<time> --preserve-under-name <name>`,
      })
    }
    const scope = await openScope(cli)
    const branch = await getBranch(scope, name)
    const restored = await restoreTo(scope, branch, await getParent(scope, branch), {}, flags)
    await cli.output.answer(restored, () => branchDetails(restored))
  })
}

function addRestore(branches: Command, cli: Cli): void {
  const command = branches
    .command('restore')
    .description(
      'Replace what a branch holds by what a branch held at a moment. Its address stays.',
    )
    .argument('[target]', 'Branch that is restored, by name or id.')
    .argument('[source]', 'A branch, ^self or ^parent; with @time or @LSN, as it was then.')
  preserveFlag(addBranchFlags(command, { takesName: false }))
  addExamples(command, [
    [
      'branches restore main ^self@2030-01-31T12:00:00Z --preserve-under-name main-broken',
      'Undo what happened since',
    ],
    ['branches restore dev ^parent', 'What the parent holds now'],
    ['branches restore dev main@0/16B3748', 'What another branch held at an LSN'],
  ]).action(async (first: string | undefined, second: string | undefined, flags: RestoreFlags) => {
    // With the branch in a flag, the one positional argument is the source.
    const [positional, source] =
      second === undefined && chooseBranch({ flags }) !== undefined
        ? [undefined, first]
        : [first, second]
    const example = 'branches restore main ^self@2030-01-31T12:00:00Z --preserve-under-name old'
    const name = requireBranch({ positional, flags }, example)
    if (!source) {
      throw new CliError(`Restore ${name} to what?`, { advice: `For example: coppice ${example}` })
    }
    await restore(cli, name, source, flags)
  })
}

async function restore(cli: Cli, name: string, source: string, flags: RestoreFlags): Promise<void> {
  const point = parseBranchPoint(source)
  const scope = await openScope(cli)
  const target = await getBranch(scope, name)
  const from = await findBranch(scope, point, target)
  checkSelf(target, from, point.moment, flags)
  const branch = await restoreTo(scope, target, from, point.moment, flags)
  const backup = flags.preserveUnderName === undefined ? undefined : await parentOf(scope, branch)
  // Neon's CLI prints the branch alone, or both below their titles.
  const data = backup ? { restored_branch: branch, backup_branch: backup } : branch
  await cli.output.answer(data, async () => {
    const title = `Branch ${branch.name} now holds ${describePoint(from, point.moment)}.`
    const kept = backup ? [`What it was is in branch ${backup.name} (${backup.id}).`] : []
    return [await branchDetails(branch), '', title, ...kept].join('\n')
  })
}

/** The API refuses the same; here it is said in terms of the command line. */
function checkSelf(target: Branch, from: Branch, moment: Moment, flags: RestoreFlags): void {
  if (from.id !== target.id) return
  if (isNow(moment)) {
    throw new CliError(`Branch ${target.name} is what it is now already: say when.`, {
      advice: `For example: coppice branches restore ${target.name} ^self@2030-01-31T12:00:00Z --preserve-under-name old`,
    })
  }
  if (flags.preserveUnderName !== undefined) return
  throw new CliError(
    'A branch is restored to its own past from a branch that keeps what it is now.',
    {
      advice: `Name that branch with --preserve-under-name, as ${target.name}-old; delete it when it is not needed.`,
    },
  )
}

async function restoreTo(
  { client, projectId }: Scope,
  target: Branch,
  source: Branch,
  { timestamp, lsn }: Moment,
  flags: RestoreFlags,
): Promise<Branch> {
  if (flags.preserveUnderName === '') throw new CliError('--preserve-under-name is empty.')
  const { branch } = await client.restoreProjectBranch({
    path: { project_id: projectId, branch_id: target.id },
    body: defined({
      source_branch_id: source.id,
      source_timestamp: timestamp,
      source_lsn: lsn,
      preserve_under_name: flags.preserveUnderName,
    }),
  })
  return branch
}

/** What was kept becomes the parent of what was restored. */
async function parentOf(scope: Scope, branch: Branch): Promise<Branch | undefined> {
  return branch.parent_id === undefined ? undefined : getBranch(scope, branch.parent_id)
}

function preserveFlag(command: Command): Command {
  return command.option(
    '--preserve-under-name <name>',
    'Keep what the branch holds until now as a branch of this name.',
  )
}

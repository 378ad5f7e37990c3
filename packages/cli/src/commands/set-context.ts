import { type Command, Option } from 'commander'

import { chooseBranch } from '../branch-choice.ts'
import type { Cli } from '../cli.ts'
import { type Context, readContext, writeContext } from '../context-file.ts'
import { defined } from '../defined.ts'
import { addExamples } from '../help.ts'

interface Flags {
  branch?: string
  branchId?: string
  branchName?: string
  orgId?: string
}

/** `set-context`: writes `.neon`, which other commands read. */
export function addSetContext(program: Command, cli: Cli): void {
  const command = program
    .command('set-context')
    .description(
      'Pin a project and a branch in .neon, for the commands run below its directory; ' +
        'without options, neither.',
    )
    .option('--branch <name|id>', 'Branch that is used when none is named.')
    .option('--branch-id <name|id>', 'The same as --branch.')
    .addOption(new Option('--branch-name <name>', 'The same as --branch.').hideHelp())
    .option('--org-id <id>', 'Organization.')
  addExamples(command, [
    ['set-context --project-id quiet-sea-12345678', 'Use this project here'],
    ['set-context --branch feature/new-column', 'Use this branch of it'],
    ['set-context', 'Forget both'],
  ]).action((flags: Flags) => {
    const context = newContext(cli, flags)
    const path = writeContext(cli, context)
    cli.output.note(
      Object.keys(context).length > 0 ? `Pinned in ${path}.` : `Nothing is pinned in ${path} now.`,
    )
  })
}

function newContext(cli: Cli, flags: Flags): Context {
  const branch = chooseBranch({ flags: { ...flags, id: flags.branchId } })
  const { projectId } = cli.options
  // A branch alone is one of the project that is pinned already.
  const pinned = branch !== undefined && projectId === undefined ? readContext(cli) : {}
  return { ...pinned, ...defined({ projectId, orgId: flags.orgId, branch }) }
}

import type { Command } from 'commander'

import { addBranchFlags, type BranchFlags, chooseBranch } from '../branch-choice.ts'
import type { Cli } from '../cli.ts'
import { openBranch } from '../context.ts'
import { addExamples } from '../help.ts'
import { runWithProgress } from '../program-progress.ts'

interface EjectFlags extends BranchFlags {
  to: string
  owner?: string
}

/** `eject`: a branch as a data directory that stock PostgreSQL runs. */
export function addEject(program: Command, cli: Cli): void {
  const eject = program
    .command('eject')
    .description(
      'Copy a branch to a plain PostgreSQL data directory, with instructions to run it without Coppice. The branch stays as it is.',
    )
    .argument('[branch]', 'Branch, by name or id; the pinned or default one unless given.')
    .requiredOption('--to <directory>', 'The data directory, which must not be there or be empty.')
    .option('--owner <user>', 'Who gets it: a user, or uid:gid; whom PostgreSQL runs as here.')
  addExamples(addBranchFlags(eject, { takesName: false }), [
    ['eject main --to /srv/postgres/main', 'Then read /srv/postgres/main/README.md'],
  ]).action(async (positional: string | undefined, flags: EjectFlags) => {
    const { path } = await openBranch(cli, chooseBranch({ positional, flags }))
    const args = ['--project', path.project_id, '--branch', path.branch_id, '--to', flags.to]
    const owner = flags.owner === undefined ? [] : ['--owner', flags.owner]
    const answer = await runWithProgress(cli, ['eject', ...args, ...owner])
    await cli.output.answer(
      answer,
      () =>
        `Branch ${String(answer['branch'])} is in ${String(answer['directory'])}, a data directory of PostgreSQL ` +
        `${String(answer['pg_version'])}.\nHow to run it: ${String(answer['readme'])}`,
    )
  })
}

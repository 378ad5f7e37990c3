import type { Command } from 'commander'

import { addBranchFlags, type BranchFlags, chooseBranch } from '../branch-choice.ts'
import type { Cli } from '../cli.ts'
import { openBranch } from '../context.ts'
import { addExamples } from '../help.ts'
import { branchHistory } from '../views/branch-history.ts'

/** `branches history`: what can be gone back to. */
export function addBranchHistory(branches: Command, cli: Cli): void {
  const command = branches
    .command('history')
    .description('Show which moments of a branch can be reached, and what keeping them costs.')
    .argument('[branch]', 'Branch, by name or id; the default branch unless given.')
  addExamples(addBranchFlags(command, { takesName: true }), [
    ['branches history main', 'From when on it can be gone back to'],
  ]).action(async (positional: string | undefined, flags: BranchFlags) => {
    const { client, path } = await openBranch(cli, chooseBranch({ positional, flags }))
    const { history } = await client.getProjectBranchHistory({ path })
    await cli.output.answer(history, async () => branchHistory(history))
  })
}

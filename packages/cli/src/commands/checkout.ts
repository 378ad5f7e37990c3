import { type Command, Option } from 'commander'

import { addBranchFlags, type BranchFlags, chooseBranch } from '../branch-choice.ts'
import { checkOut } from '../checkout.ts'
import { choose } from '../choose.ts'
import type { Cli } from '../cli.ts'
import { eachBranch, openScope, type Scope } from '../context.ts'
import { CliError } from '../errors.ts'
import { addExamples } from '../help.ts'
import { contextDetails } from '../views/context.ts'

interface CheckoutFlags extends BranchFlags {
  create?: boolean
  envPull: boolean
  env?: string
}

/** `checkout`: the branch that commands here mean from now on. */
export function addCheckout(program: Command, cli: Cli): void {
  const command = program
    .command('checkout')
    .description('Pin a branch in .neon, and write its variables to the env file.')
    .argument('[branch]', 'Branch, by name or id; to choose from a list unless given.')
    .option('--create', 'Create it from the default branch where it does not exist.')
    .option('--no-env-pull', 'Leave the env file alone.')
    .addOption(new Option('--env <file>', 'For neon.ts.').hideHelp())
  addExamples(addBranchFlags(command, { takesName: true }), [
    ['checkout feature/new-column', 'Work on a branch'],
    ['checkout dev --create', 'On a new one'],
  ]).action(async (positional: string | undefined, flags: CheckoutFlags) => {
    if (flags.env !== undefined) {
      throw new CliError('--env is for the functions of a neon.ts, which Coppice does not run.')
    }
    const named = chooseBranch({ positional, flags })
    if (named === undefined && flags.create) {
      throw new CliError('Which branch?', { advice: 'For example: coppice checkout dev --create' })
    }
    const scope = await openScope(cli)
    const name = named ?? (await chooseFromList(cli, scope))
    const { context, file } = await checkOut(cli, scope, name, {
      create: flags.create ?? false,
      envPull: flags.envPull,
      ask: true,
    })
    await cli.output.answer(context, () => contextDetails(context, file))
  })
}

async function chooseFromList(cli: Cli, scope: Scope): Promise<string> {
  const branches = []
  for await (const branch of eachBranch(scope)) branches.push(branch)
  return choose(cli, {
    question: 'Which branch?',
    among: branches,
    advice: 'Name it: coppice checkout <branch>',
  })
}

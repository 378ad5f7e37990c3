import type { Command } from 'commander'

import { addShortBranchFlags, chooseShortBranch, type ShortBranchFlags } from '../branch-choice.ts'
import type { Cli } from '../cli.ts'
import { getBranchOrDefault, openScope } from '../context.ts'
import { defined } from '../defined.ts'
import { chooseVariables } from '../env-variables.ts'
import { addExamples } from '../help.ts'
import { pullVariables } from '../pinning.ts'

interface PullFlags extends ShortBranchFlags {
  file?: string
  service?: string[]
  env?: string[]
}

/** `env pull`: what a program needs to connect, in a file that it reads. */
export function addEnv(program: Command, cli: Cli): void {
  const command = program
    .command('env')
    .description("Write a branch's variables for programs.")
    .command('pull')
    .description('Write DATABASE_URL, DATABASE_URL_UNPOOLED and NEON_BRANCH to an env file.')
  addShortBranchFlags(command)
    .option('--file <file>', 'The file; .env where there is one, else .env.local.')
    .option('-s, --service <service...>', 'Only the variables of these services: postgres.')
    .option('-e, --env <name...>', 'Only these variables.')
  addExamples(command, [
    ['env pull', 'The pinned or default branch'],
    ['env pull --branch preview --file .env.preview', 'A branch, a file'],
    ['env pull -e DATABASE_URL', 'One variable'],
  ]).action(async (flags: PullFlags) => {
    const names = chooseVariables(split(flags.service), split(flags.env))
    const scope = await openScope(cli)
    const branch = await getBranchOrDefault(scope, chooseShortBranch(flags))
    const file = await pullVariables(cli, branch, names, defined({ file: flags.file }))
    const answer = { file, branch: branch.name, variables: names }
    await cli.output.answer(answer, () => `Wrote ${names.join(', ')} to ${file}.`)
  })
}

/** Repeated or with commas, as people have it. */
function split(values: readonly string[] = []): string[] {
  return values.flatMap((value) => value.split(',')).filter((value) => value !== '')
}

import { text } from 'node:stream/consumers'

import type { Command } from 'commander'

import type { Cli } from '../cli.ts'
import { CliError } from '../errors.ts'
import { addExamples } from '../help.ts'
import { runProgram } from '../platform-program.ts'

/** `console`: the web console of the platform on this machine. */
export function addConsole(program: Command, cli: Cli): void {
  const console = program
    .command('console')
    .description(
      'Print an address that opens the web console, signed in; good once, for 5 minutes.',
    )
    .action(async () => {
      const answer = await runProgram(cli, ['console', 'link'])
      await cli.output.answer(answer, () => String(answer['url']))
    })
  addExamples(console, [
    ['console', 'An address to open in a browser'],
    ['console password', 'Set a password to sign in with'],
  ])
  console
    .command('password')
    .description(
      'Set the password of the web console, and end the sessions of the one before. Read from stdin where nobody can be asked.',
    )
    .action(async () => {
      const password = cli.output.isInteractive ? await ask(cli) : await text(process.stdin)
      const answer = await runProgram(cli, ['console', 'password'], password)
      await cli.output.answer(answer, () => 'The password of the console is set.')
    })
}

async function ask(cli: Cli): Promise<string> {
  const { isCancel, password } = await import('@clack/prompts')
  const output = cli.output.stderr
  const first = await password({ message: 'Password, 10 characters or more', output })
  if (isCancel(first)) throw new CliError('Nothing was changed.')
  const second = await password({ message: 'Once more', output })
  if (isCancel(second)) throw new CliError('Nothing was changed.')
  if (first !== second) throw new CliError('The two are not the same. Nothing was changed.')
  return first
}

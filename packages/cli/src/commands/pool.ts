import { type Command, InvalidArgumentError, Option } from 'commander'

import type { Cli } from '../cli.ts'
import { formatBytes } from '../format.ts'
import { addExamples } from '../help.ts'
import { runProgram } from '../platform-program.ts'
import { renderDetails } from '../table.ts'

/** `pool`: where the data of branches lies. */
export function addPool(program: Command, cli: Cli): void {
  const pool = program
    .command('pool')
    .description('Manage the storage of branches on this machine.')
  addExamples(withSize(pool.command('create'), 'Size of the pool: 50G.'), [
    ['pool create --size 50G', 'A file of 50 GB, of which only what is used takes space'],
  ])
    .description('Make a storage pool that can branch at once, in a file of this machine.')
    .action(async ({ size }: { size: string }) => show(cli, ['create', '--size', size]))
  withSize(pool.command('grow'), 'The size that it gets: 100G.')
    .description('Make the pool larger, while it is used.')
    .action(async ({ size }: { size: string }) => show(cli, ['grow', '--size', size]))
  pool
    .command('mount')
    .description('Mount the pool as root, for a platform that another user starts.')
    .action(async () => show(cli, ['mount']))
  pool
    .command('status')
    .description('Show the pool and the space in it.')
    .action(async () => show(cli, ['status']))
}

function withSize(command: Command, description: string): Command {
  return command.addOption(
    new Option('--size <size>', description).argParser(parseSize).makeOptionMandatory(),
  )
}

function parseSize(text: string): string {
  if (/^\d+(\.\d+)?[KMGT]?i?B?$/i.test(text)) return text
  throw new InvalidArgumentError('Give a size such as 50G.')
}

async function show(cli: Cli, args: readonly string[]): Promise<void> {
  const pool = await runProgram(cli, ['pool', ...args])
  await cli.output.answer(pool, () =>
    renderDetails([
      ['Driver', textOf(pool['driver'])],
      ['Path', textOf(pool['path'])],
      ['Image', textOf(pool['image'])],
      ['Size', sizeOf(pool['total_bytes'])],
      ['Free', sizeOf(pool['free_bytes'])],
      ['Note', textOf(pool['warning'])],
    ]),
  )
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function sizeOf(value: unknown): string | undefined {
  return typeof value === 'number' ? formatBytes(value) : undefined
}

import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'

import type { Rehearsal } from '@coppice/api'
import { type Command, Option } from 'commander'

import type { Cli } from '../cli.ts'
import { CliError } from '../errors.ts'
import { addExamples } from '../help.ts'
import { keepReport } from '../migrate/keep-report.ts'
import { readLoad } from '../migrate/load.ts'
import { addFiles, addTargetFlags, openTarget, type TargetFlags } from '../migrate/target.ts'
import { observerOf } from '../observer.ts'
import { parseMillis, parseWhole } from '../parse.ts'
import { rehearsalMarkdown } from '../views/rehearsal-markdown.ts'
import { rehearsalText } from '../views/rehearsal.ts'

interface RehearseFlags extends TargetFlags {
  allowOutOfOrder?: boolean
  keep?: boolean
  load?: string
  loadConnections: number
  markdown?: string
  statementTimeout: number
  strict?: boolean
}

/** `migrate rehearse`: what a migration would do, seen on a branch with all the data. */
export function addRehearse(migrate: Command, cli: Cli): void {
  const command = addFiles(
    migrate
      .command('rehearse')
      .description(
        'Run what is pending on a branch that is thrown away, and report locks, rewrites and time.',
      ),
  )
  addTargetFlags(command)
    .option('--load <file>', 'Statements that others run meanwhile, or top: the recorded queries.')
    .addOption(
      new Option('--load-connections <count>', 'By how many connections; 4 unless given.')
        .argParser(parseWhole(1, 100))
        .default(4),
    )
    .option('--markdown <file>', 'Write the report for a pull request; - prints it.')
    .addOption(
      new Option(
        '--statement-timeout <time>',
        'How long a statement may run; as long as it takes unless given.',
      )
        .argParser(parseMillis)
        .default(0),
    )
    .option('--allow-out-of-order', 'Also run files that come before one that has run.')
    .option('--strict', 'Fail where there are findings.')
    .option('--keep', 'Keep the branch.')
  addExamples(command, [
    ['migrate rehearse migrations/', 'What is pending of a directory'],
    ['migrate rehearse drizzle --load top', 'And what others would wait'],
    ['migrate rehearse 0007_roles.sql --markdown report.md --strict', 'In a pull request'],
  ]).action(async (files: string[], flags: RehearseFlags) => run(cli, files, flags))
}

async function run(cli: Cli, files: readonly string[], flags: RehearseFlags): Promise<void> {
  const { readMigrations } = await import('../migrate/files.ts')
  const { rehearse } = await import('@coppice/migrate/rehearse')
  const migrations = await readMigrations(cli, files)
  const target = await openTarget(cli, flags)
  const rehearsal = await rehearse(observerOf(cli), target, migrations, {
    allowOutOfOrder: flags.allowOutOfOrder ?? false,
    keep: flags.keep ?? false,
    load: flags.load === undefined ? undefined : await readLoad(cli, flags.load),
    loadConnections: flags.loadConnections,
    statementTimeoutMs: flags.statementTimeout,
  })
  await keepReport(cli, target, rehearsal)
  await show(cli, rehearsal, flags.markdown)
  if (rehearsal.error !== null) throw new CliError(`The rehearsal failed: ${rehearsal.error}`)
  if (flags.strict && rehearsal.findings.length > 0) {
    throw new CliError(`There are findings (${rehearsal.findings.length}), and --strict was given.`)
  }
}

async function show(cli: Cli, rehearsal: Rehearsal, markdown: string | undefined): Promise<void> {
  if (markdown === '-') {
    cli.output.line(rehearsalMarkdown(rehearsal))
    return
  }
  if (markdown !== undefined) {
    await writeFile(resolve(cli.config.cwd, markdown), `${rehearsalMarkdown(rehearsal)}\n`)
  }
  await cli.output.answer(rehearsal, () => rehearsalText(rehearsal, cli.output))
}

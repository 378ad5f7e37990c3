import { applyDefaults, restorePointDays } from '@coppice/migrate/apply-defaults'
import { type Command, Option } from 'commander'

import type { Cli } from '../cli.ts'
import { addExamples } from '../help.ts'
import { addFiles, addTargetFlags, openTarget, type TargetFlags } from '../migrate/target.ts'
import { observerOf } from '../observer.ts'
import { parseMillis, parseMoment, parseWhole } from '../parse.ts'
import { migrationTable, undoneDetails } from '../views/migrate.ts'
import { addRehearse } from './migrate-rehearse.ts'

/** `migrate`: changes of the schema, tried on a branch, applied with a way back. */
export function addMigrate(program: Command, cli: Cli): void {
  const migrate = program
    .command('migrate')
    .description('Change the schema: rehearse it on a branch, apply it with a way back.')
  addRehearse(migrate, cli)
  addApply(migrate, cli)
  addUndo(migrate, cli)
  addStatus(migrate, cli)
}

interface ApplyFlags extends TargetFlags {
  lockTimeout: number
  statementTimeout: number
  retries: number
  allowOutOfOrder?: boolean
  restorePoint: boolean
  keepUntil: string
}

function addApply(migrate: Command, cli: Cli): void {
  const command = addFiles(
    migrate.command('apply').description('Run what has not run yet, file by file.'),
  )
  addTargetFlags(command)
    .addOption(
      new Option('--lock-timeout <time>', 'How long a statement waits for locks; 3s unless given.')
        .argParser(parseMillis)
        .default(applyDefaults.lockTimeoutMs),
    )
    .addOption(
      new Option('--retries <count>', 'How often it tries again to get them; 10 unless given.')
        .argParser(parseWhole(0, 1000))
        .default(applyDefaults.max),
    )
    .addOption(
      new Option(
        '--statement-timeout <time>',
        'How long a statement may run; as long as it takes unless given.',
      )
        .argParser(parseMillis)
        .default(applyDefaults.statementTimeoutMs),
    )
    .option('--allow-out-of-order', 'Also run files that come before one that has run.')
    .addOption(
      new Option(
        '--keep-until <time>',
        `Until when the restore point is kept: a time or a span; ${restorePointDays}d unless given.`,
      )
        .argParser(parseMoment)
        .default(parseMoment(`${restorePointDays}d`)),
    )
    .option('--no-restore-point', 'Make none: it cannot be undone then.')
  addExamples(command, [
    ['migrate apply migrations/', 'What is pending of a directory'],
    ['migrate apply -b staging prisma/migrations', 'On another branch'],
    ['migrate apply --lock-timeout 1s --retries 30', 'Shorter pauses for others'],
  ]).action(async (files: string[], flags: ApplyFlags) => {
    const { readMigrations } = await import('../migrate/files.ts')
    const { applyMigrations } = await import('@coppice/migrate/apply')
    const migrations = await readMigrations(cli, files)
    const { scope, database } = await openTarget(cli, flags)
    const answer = await applyMigrations(observerOf(cli), scope, database, migrations, {
      max: flags.retries,
      lockTimeoutMs: flags.lockTimeout,
      statementTimeoutMs: flags.statementTimeout,
      allowOutOfOrder: flags.allowOutOfOrder ?? false,
      keepUntil: flags.restorePoint ? flags.keepUntil : undefined,
    })
    const { length } = answer.applied
    await cli.output.answer(answer, () =>
      length === 0
        ? 'Everything has been applied already.'
        : `Applied ${length === 1 ? '1 file' : `${length} files`}.`,
    )
    if (answer.restore_point !== null) cli.output.note('To go back: coppice migrate undo')
  })
}

interface UndoFlags extends TargetFlags {
  yes?: boolean
  preserveUnderName?: string
}

function addUndo(migrate: Command, cli: Cli): void {
  const command = migrate
    .command('undo')
    .description('Bring the branch back to before the last apply. It says first what goes with it.')
  addTargetFlags(command)
    .option('-y, --yes', 'Do not ask.')
    .option(
      '--preserve-under-name <name>',
      'Name of the branch that keeps what was there; it gets one unless given.',
    )
  addExamples(command, [['migrate undo', 'Look, be asked, go back']]).action(
    async (flags: UndoFlags) => {
      const { undoLastApply } = await import('../migrate/undo.ts')
      const { scope, database } = await openTarget(cli, flags)
      const answer = await undoLastApply(cli, scope, database, {
        yes: flags.yes ?? false,
        preserveUnderName: flags.preserveUnderName,
      })
      await cli.output.answer(answer, () => undoneDetails(answer))
    },
  )
}

function addStatus(migrate: Command, cli: Cli): void {
  const command = addFiles(
    migrate
      .command('status')
      .description('List which files have run, are pending or were edited since.'),
  )
  addTargetFlags(command)
  addExamples(command, [['migrate status migrations/', 'One line a file']]).action(
    async (files: string[], flags: TargetFlags) => {
      const { readMigrations } = await import('../migrate/files.ts')
      const { readStatus } = await import('@coppice/migrate/status')
      const migrations = await readMigrations(cli, files)
      const { database } = await openTarget(cli, flags)
      const rows = await readStatus(database, migrations)
      await cli.output.answer(rows, () => migrationTable(rows))
    },
  )
}

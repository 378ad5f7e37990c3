import { type Command, InvalidArgumentError, Option } from 'commander'

import type { Cli } from '../cli.ts'
import { addExamples } from '../help.ts'
import { runWithProgress } from '../program-progress.ts'
import {
  type Backup,
  renderBackup,
  renderBackups,
  renderRestored,
  renderVerification,
} from '../views/backup.ts'

interface PlaceFlags {
  s3Endpoint?: string
  s3Region?: string
  passphraseFile?: string
}

interface BackupFlags extends PlaceFlags {
  history: boolean
  keep?: number
}

interface ReadFlags extends PlaceFlags {
  backup?: string
  poolSize?: string
}

/** `backup`: all of the platform, to a directory or to S3, while it runs. */
export function addBackup(program: Command, cli: Cli): void {
  const backup = program
    .command('backup')
    .description(
      'Back up the whole platform while it runs: its metadata, keys and every branch. A backup holds secrets; encrypt it with a passphrase.',
    )
    .argument('<place>', placeHelp)
    .option('--no-history', 'Leave the past of branches out (also --without-history).')
    .addOption(new Option('--without-history', 'The same as --no-history.').hideHelp())
    .addOption(
      new Option(
        '--keep <count>',
        'Remove all but the newest backups there, once this one is whole.',
      ).argParser(parseKeep),
    )
  addPlaceFlags(backup)
  addExamples(backup, [
    ['backup /mnt/backup/coppice', 'To a directory; again, only what is new'],
    ['backup s3://backups/coppice --keep 14', 'To S3, and keep the last 14'],
    ['backup /mnt/backup/coppice --passphrase-file ~/.coppice-passphrase', 'Encrypted'],
  ]).action(async (place: string, flags: BackupFlags & { withoutHistory?: boolean }) => {
    const hasHistory = flags.history && flags.withoutHistory !== true
    const args = [
      ...(hasHistory ? [] : ['--without-history']),
      ...(flags.keep === undefined ? [] : ['--keep', String(flags.keep)]),
    ]
    const answer = await runWithProgress(cli, [
      'backup',
      'create',
      place,
      ...args,
      ...placeArguments(flags),
    ])
    const { encrypted, place: where } = answer
    await cli.output.answer(answer, async () => renderBackup(answer as unknown as Backup, where))
    if (encrypted === false) {
      cli.output.progress('It is not encrypted, and holds keys and passwords: keep it private.')
    }
  })
  // Flags that `backup` has as well are taken by it, wherever they stand.
  addPlaceFlags(backup.command('list'))
    .description('List the backups in a place.')
    .argument('<place>', placeHelp)
    .action(async (place: string, _: PlaceFlags, command: Command) => {
      const flags = command.optsWithGlobals<PlaceFlags>()
      const answer = await runWithProgress(cli, ['backup', 'list', place, ...placeArguments(flags)])
      await cli.output.answer(answer, async () => renderBackups(answer['backups'] as Backup[]))
    })
  addPlaceFlags(addBackupFlag(backup.command('verify')))
    .description('Read all that backups hold, and tell what is missing or damaged.')
    .argument('<place>', placeHelp)
    .action(async (place: string, _: ReadFlags, command: Command) => {
      const flags = command.optsWithGlobals<ReadFlags>()
      const answer = await runWithProgress(cli, [
        'backup',
        'verify',
        place,
        ...readArguments(flags),
      ])
      await cli.output.answer(answer, () => renderVerification(answer))
      if ((answer['problems'] as unknown[]).length > 0) cli.result.exitCode = 1
    })
}

/** `restore`: the platform of a backup, in an empty state directory. */
export function addRestore(program: Command, cli: Cli): void {
  const restore = program
    .command('restore')
    .description(
      'Make the platform of a backup on this machine, in an empty state directory; `coppice up` then starts it.',
    )
    .argument('<place>', placeHelp)
    .option('--pool-size <size>', 'Size of the storage pool, where one is made: 50G.')
  addExamples(addPlaceFlags(addBackupFlag(restore)), [
    ['restore /mnt/backup/coppice', 'The newest backup'],
    ['restore s3://backups/coppice --home /srv/coppice', 'From S3, to a place of your own'],
  ]).action(async (place: string, flags: ReadFlags) => {
    const size = flags.poolSize === undefined ? [] : ['--pool-size', flags.poolSize]
    const answer = await runWithProgress(cli, ['restore', place, ...size, ...readArguments(flags)])
    await cli.output.answer(answer, async () => renderRestored(answer as unknown as Backup, answer))
  })
}

const placeHelp = 'A directory, or s3://bucket/prefix.'

function addPlaceFlags(command: Command): Command {
  return command
    .option(
      '--passphrase-file <file>',
      'File with the passphrase, `-` for stdin; COPPICE_BACKUP_PASSPHRASE unless given.',
    )
    .option('--s3-endpoint <url>', 'The S3 service, where it is not that of AWS.')
    .option('--s3-region <region>', 'Its region: us-east-1 unless given.')
}

function addBackupFlag(command: Command): Command {
  return command.option('--backup <id>', 'Which backup, as `coppice backup list` names it.')
}

function placeArguments({ passphraseFile, s3Endpoint, s3Region }: PlaceFlags): string[] {
  return [
    ...(passphraseFile === undefined ? [] : ['--passphrase-file', passphraseFile]),
    ...(s3Endpoint === undefined ? [] : ['--s3-endpoint', s3Endpoint]),
    ...(s3Region === undefined ? [] : ['--s3-region', s3Region]),
  ]
}

function readArguments(flags: ReadFlags): string[] {
  const { backup } = flags
  return [...(backup === undefined ? [] : ['--backup', backup]), ...placeArguments(flags)]
}

function parseKeep(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Give a number of backups, 1 or more.')
}

import type { Snapshot } from '@coppice/api'
import { type Command, Option } from 'commander'

import { addShortBranchFlags, chooseShortBranch, type ShortBranchFlags } from '../branch-choice.ts'
import type { Cli } from '../cli.ts'
import { openBranch, openScope } from '../context.ts'
import { defined } from '../defined.ts'
import { CliError } from '../errors.ts'
import { addExamples } from '../help.ts'
import { parseLsn, parseMoment } from '../parse.ts'
import { parsePastMoment } from '../point-in-time.ts'
import { findSnapshot } from '../snapshot-choice.ts'
import { snapshotDetails, snapshotTable } from '../views/snapshot.ts'
import { addSnapshotRestore } from './snapshots-restore.ts'
import { addSnapshotSchedule } from './snapshots-schedule.ts'

const reference = 'Snapshot, by id, name or slug.'

/** `snapshots`: points of a branch that are kept. */
export function addSnapshots(program: Command, cli: Cli): void {
  const snapshots = program
    .command('snapshots')
    .alias('snapshot')
    .description('Manage snapshots: points of a branch that are kept, whatever its history does.')
  addList(snapshots, cli)
  addGet(snapshots, cli)
  addCreate(snapshots, cli)
  addUpdate(snapshots, cli)
  addDelete(snapshots, cli)
  addSnapshotRestore(snapshots, cli)
  addSnapshotSchedule(snapshots, cli)
}

function addList(snapshots: Command, cli: Cli): void {
  snapshots
    .command('list')
    .description('List the snapshots of a project, the newest first.')
    .action(async () => {
      const { client, projectId } = await openScope(cli)
      const { snapshots: list } = await client.listSnapshots({ path: { project_id: projectId } })
      await cli.output.answer(list, () =>
        list.length > 0
          ? snapshotTable(list)
          : 'No snapshots found. Make one with `coppice snapshots create`.',
      )
    })
}

function addGet(snapshots: Command, cli: Cli): void {
  snapshots
    .command('get')
    .description('Show a snapshot, and what checking it found.')
    .argument('<snapshot>', reference)
    .action(async (name: string) => {
      await show(cli, await findSnapshot(await openScope(cli), name))
    })
}

interface CreateFlags extends ShortBranchFlags {
  name?: string
  slug?: string
  timestamp?: string
  lsn?: string
  expiresAt?: string
}

function addCreate(snapshots: Command, cli: Cli): void {
  const command = snapshots
    .command('create')
    .description('Keep a branch as it is, or as it was at a moment.')
  addShortBranchFlags(command)
    .option('--name <name>', 'Name of the snapshot.')
    .option('--slug <slug>', 'A word of your own to find it by, unique in the project.')
    .addOption(
      new Option('--timestamp <time>', 'As it was then: 2030-01-31T12:00:00Z.').conflicts('lsn'),
    )
    .addOption(new Option('--lsn <lsn>', 'As it was there: 0/16B3748.').argParser(parseLsn))
    .addOption(
      new Option('--expires-at <time>', 'Delete it then: a time, or a span such as 7d.').argParser(
        parseMoment,
      ),
    )
  addExamples(command, [
    ['snapshots create --name before-migration', 'The branch as it is'],
    ['snapshots create -b main --timestamp 2030-01-31T12:00:00Z', 'As it was'],
    ['snapshots create --name nightly --expires-at 7d', 'For a week'],
  ]).action(async (flags: CreateFlags) => create(cli, flags))
}

async function create(cli: Cli, flags: CreateFlags): Promise<void> {
  const { name, slug, timestamp, lsn, expiresAt } = flags
  if (timestamp !== undefined && parsePastMoment(timestamp)?.timestamp === undefined) {
    throw new CliError(`${timestamp} is not a time.`, {
      advice: 'Give it whole and with its zone: 2030-01-31T12:00:00Z.',
    })
  }
  const { client, path } = await openBranch(cli, chooseShortBranch(flags))
  const { snapshot } = await client.createSnapshot({
    path,
    query: defined({ name, slug, timestamp, lsn, expires_at: expiresAt }),
  })
  await show(cli, snapshot)
}

interface UpdateFlags {
  name?: string
  expiresAt?: string
  clearExpiration?: boolean
}

function addUpdate(snapshots: Command, cli: Cli): void {
  snapshots
    .command('update')
    .description('Rename a snapshot or change when it expires.')
    .argument('<snapshot>', reference)
    .option('--name <name>', 'New name.')
    .addOption(
      new Option('--expires-at <time>', 'Delete it then: a time, or a span such as 7d.')
        .argParser(parseMoment)
        .conflicts('clearExpiration'),
    )
    .option('--clear-expiration', 'Keep it for good.')
    .action(async (name: string, flags: UpdateFlags) => {
      const expiresAt = flags.clearExpiration ? null : flags.expiresAt
      if (flags.name === undefined && expiresAt === undefined) {
        throw new CliError('Nothing to change was given.', {
          advice: 'Give --name, --expires-at or --clear-expiration.',
        })
      }
      const scope = await openScope(cli)
      const { id } = await findSnapshot(scope, name)
      const { snapshot } = await scope.client.updateSnapshot({
        path: { project_id: scope.projectId, snapshot_id: id },
        body: { snapshot: defined({ name: flags.name, expires_at: expiresAt }) },
      })
      await show(cli, snapshot)
    })
}

function addDelete(snapshots: Command, cli: Cli): void {
  snapshots
    .command('delete')
    .description('Delete a snapshot, for good.')
    .argument('<snapshot>', reference)
    .action(async (name: string) => {
      const scope = await openScope(cli)
      const snapshot = await findSnapshot(scope, name)
      await scope.client.deleteSnapshot({
        path: { project_id: scope.projectId, snapshot_id: snapshot.id },
      })
      await cli.output.answer(snapshot, () => `Snapshot ${snapshot.name} is deleted.`)
    })
}

async function show(cli: Cli, snapshot: Snapshot): Promise<void> {
  await cli.output.answer(snapshot, () => snapshotDetails(snapshot))
}

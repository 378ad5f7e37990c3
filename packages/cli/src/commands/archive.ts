import { basename, dirname, resolve } from 'node:path'

import { type Command, Option } from 'commander'

import { archiveTable } from '../archive-table/archive.ts'
import { openDirectoryPlace } from '../archive-table/directory.ts'
import {
  type ArchiveFormat,
  archiveFormats,
  bytesOf,
  type Manifest,
  manifestName,
} from '../archive-table/manifest.ts'
import { type ArchiveDirectory, type ArchivePlace, isS3Url } from '../archive-table/place.ts'
import { listArchives, restoreTable } from '../archive-table/restore.ts'
import { openS3Place } from '../archive-table/s3-place.ts'
import { chooseShortBranch } from '../branch-choice.ts'
import { confirmed } from '../choose.ts'
import type { Cli } from '../cli.ts'
import { openBranch } from '../context.ts'
import { addDatabaseFlags, type DatabaseFlags, databaseUri } from '../database-choice.ts'
import { CliError } from '../errors.ts'
import { formatBytes } from '../format.ts'
import { addExamples } from '../help.ts'
import { parseWhole } from '../parse.ts'
import { createSteps } from '../steps.ts'
import { renderDetails, renderTable } from '../table.ts'

const defaultRoot = 'archive'
const defaultLockTimeoutMs = 2000
const dayMs = 86_400_000

/** `archive`: tables that are put away in files. */
export function addArchive(program: Command, cli: Cli): void {
  const archive = program
    .command('archive')
    .description('Put tables away in files, and bring them back.')
  addTable(archive, cli)
  addRestore(archive, cli)
  addList(archive, cli)
  addExamples(archive, [
    ['archive table logs_2024_q1 --to /backup', 'Detach a partition and write it to files'],
    ['archive table logs_2024_q1 --to s3://bucket/tables --format parquet', 'The same in S3'],
    ['archive table logs_2024_q1 --to /backup --drop', 'Then drop the table'],
    ['archive restore /backup/public.logs_2024_q1/manifest.json --attach', 'Bring it back'],
  ])
}

interface TableFlags extends DatabaseFlags {
  to: string
  drop?: boolean
  snapshot: boolean
  yes?: boolean
  lockTimeout: number
}

function addTable(archive: Command, cli: Cli): void {
  const command = archive
    .command('table')
    .description(
      'Detach a partition, write the table to compressed CSV or Parquet with a manifest, and verify it by reading it back.',
    )
    .argument('<table>', 'Table, as in SQL: logs_2024_q1, sales."Orders".')
    .option('--to <place>', 'Directory or s3://bucket/prefix; ./archive.', defaultRoot)
    .option('--format <format>', 'Of the rows: csv (gzipped) or parquet; csv.')
    .option('--drop', 'Drop the table once the archive is verified.')
    .option('--no-snapshot', 'Drop without a snapshot of the branch.')
    .option('-y, --yes', 'Do not ask before the drop.')
  addDatabaseFlags(addLockTimeout(command)).action(async (table: string, flags: TableFlags) =>
    putAway(cli, table, flags),
  )
}

async function putAway(cli: Cli, table: string, flags: TableFlags): Promise<void> {
  const { drop = false, yes = false } = flags
  if (drop && !yes && !cli.output.isInteractive) {
    throw new CliError('Nobody is there to confirm the drop.', {
      advice: 'Add --yes, or leave --drop out: the same command with --drop can follow.',
    })
  }
  const place = placeFrom(cli, flags.to)
  const uri = await databaseUri(cli, flags)
  const steps = createSteps(cli)
  let snapshot: string | null = null
  try {
    const { manifest, directory, dropped } = await archiveTable(
      { uri, table, place, format: formatFrom(cli), lockTimeoutMs: flags.lockTimeout },
      {
        onStep: (what) => steps.step(what),
        async mayDrop({ definition }) {
          steps.done()
          if (!drop || !(yes || (await confirmed(cli, `Drop ${definition.qualified_name}?`)))) {
            return false
          }
          snapshot = await takeSnapshot(cli, flags, definition.name)
          return true
        },
      },
    )
    steps.done()
    const answer = { ...describe(manifest, `${directory}/${manifestName}`), dropped, snapshot }
    await cli.output.answer(answer, () => details(answer))
    noteWhatIsLeft(cli, manifest, answer)
  } catch (error) {
    steps.fail()
    throw error
  }
}

/** The way back from a drop, until the snapshot is deleted. A foreign PostgreSQL has none. */
async function takeSnapshot(cli: Cli, flags: TableFlags, table: string): Promise<string | null> {
  if (!flags.snapshot || flags.dbUrl !== undefined) return null
  const { client, path } = await openBranch(cli, chooseShortBranch(flags))
  const name = `before-drop-of-${table}-${new Date().toISOString().slice(0, 19)}Z`
  const { snapshot } = await client.createSnapshot({ path, query: { name } })
  return snapshot.id
}

interface Answer {
  table: string
  manifest: string
  rows: number
  bytes: number
  archived_at: string
  partition_of: string | null
  bound: string | null
}

function describe(manifest: Manifest, path: string): Answer {
  const { definition, content, archived_at } = manifest
  return {
    table: definition.qualified_name,
    manifest: path,
    rows: content.rows,
    bytes: bytesOf(manifest),
    archived_at,
    partition_of: definition.partition?.parent ?? null,
    bound: definition.partition?.bound ?? null,
  }
}

async function details(
  answer: Answer & { dropped?: boolean; snapshot?: string | null; attached?: boolean },
): Promise<string> {
  const { partition_of: parent, bound } = answer
  return renderDetails([
    ['Table', answer.table],
    ['Rows', String(answer.rows)],
    ['Size', formatBytes(answer.bytes)],
    ['Partition', parent === null ? undefined : `of ${parent} ${bound}`],
    ['Manifest', answer.manifest],
    ['Dropped', answer.dropped ? 'yes' : undefined],
    ['Attached', answer.attached ? 'yes' : undefined],
    ['Snapshot', answer.snapshot ?? undefined],
  ])
}

function noteWhatIsLeft(
  { output }: Cli,
  { definition }: Manifest,
  { dropped, snapshot }: { dropped: boolean; snapshot: string | null },
): void {
  if (definition.not_kept.length > 0) {
    output.note(`The archive does not keep its ${definition.not_kept.join(', ')}.`)
  }
  if (!dropped) output.note('The table is still there. The same command with --drop drops it.')
  if (snapshot === null) return
  output.note(
    `The branch as it was before the drop is kept until \`coppice snapshots delete ${snapshot}\`.`,
  )
}

interface RestoreFlags extends DatabaseFlags {
  attach?: boolean
  lockTimeout: number
}

function addRestore(archive: Command, cli: Cli): void {
  const command = archive
    .command('restore')
    .description('Make an archived table again, verified, with its indexes and constraints.')
    .argument('<manifest>', 'The manifest.json of the archive, also of one in S3.')
    .option('--attach', 'Attach it as the partition that it was.')
  addDatabaseFlags(addLockTimeout(command)).action(async (path: string, flags: RestoreFlags) => {
    const directory = directoryFrom(cli, path)
    const uri = await databaseUri(cli, flags)
    const steps = createSteps(cli)
    const attach = flags.attach ?? false
    try {
      const manifest = await restoreTable(
        { uri, directory, attach, lockTimeoutMs: flags.lockTimeout },
        (what) => steps.step(what),
      )
      steps.done()
      const answer = {
        ...describe(manifest, `${directory.path}/${manifestName}`),
        attached: attach,
      }
      await cli.output.answer(answer, () => details(answer))
    } catch (error) {
      steps.fail()
      throw error
    }
  })
}

function addList(archive: Command, cli: Cli): void {
  archive
    .command('list')
    .description('List the archives of a place.')
    .argument('[place]', 'Directory or s3://bucket/prefix; ./archive.')
    .option('--to <place>', 'The same.')
    .action(async (place: string | undefined, flags: { to?: string }) => {
      const found = await listArchives(placeFrom(cli, place ?? flags.to ?? defaultRoot))
      const list = found.map(({ path, manifest }) => describe(manifest, path))
      await cli.output.answer(list, () =>
        list.length > 0 ? listTable(list) : 'No archives found.',
      )
    })
}

async function listTable(list: readonly Answer[]): Promise<string> {
  return renderTable<Answer>(
    [
      { title: 'Table', value: (row) => row.table },
      { title: 'Rows', value: (row) => String(row.rows) },
      { title: 'Size', value: (row) => formatBytes(row.bytes) },
      { title: 'Archived at', value: (row) => row.archived_at },
      { title: 'Partition of', value: (row) => row.partition_of ?? undefined },
      { title: 'Manifest', value: (row) => row.manifest },
    ],
    list,
  )
}

function addLockTimeout(command: Command): Command {
  return command.addOption(
    new Option('--lock-timeout <ms>', 'Wait so long for a lock before it is tried again.')
      .argParser(parseWhole(1, dayMs))
      .default(defaultLockTimeoutMs),
  )
}

/** It is a global option, too, which takes it. */
function formatFrom({ options }: Cli): ArchiveFormat | undefined {
  return archiveFormats.find((known) => known === options.format)
}

function placeFrom({ config }: Cli, text: string): ArchivePlace {
  if (isS3Url(text)) return openS3Place(text, config.s3)
  if (text === '') throw new CliError('The place of the archives has no name.')
  return openDirectoryPlace(resolve(config.cwd, text))
}

/** Of the manifest that is in it, or by its own name. */
function directoryFrom(cli: Cli, given: string): ArchiveDirectory {
  const manifest = given.replace(/(?<=[^/])\/+$/, '')
  const own = basename(manifest) === manifestName ? dirname(manifest) : manifest
  const path = isS3Url(own) ? own : resolve(cli.config.cwd, own)
  return placeFrom(cli, dirname(path)).directory(basename(path))
}

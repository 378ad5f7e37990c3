import type { Sql } from '@coppice/migrate/database'

import { CliError } from '../errors.ts'
import { withLockRetries } from '../lock-retries.ts'
import { findRelation } from '../relation.ts'
import { openSql } from '../sql-connection.ts'
import { contentOf, exportRows, importRows } from './copy.ts'
import { readDefinition, type TableDefinition } from './definition.ts'
import {
  type ArchiveFormat,
  type Content,
  createManifest,
  formatOf,
  definitionName,
  type Manifest,
  manifestName,
  parseManifest,
} from './manifest.ts'
import { detachPartition } from './partition.ts'
import { type ArchiveDirectory, type ArchivePlace, directoryNameOf } from './place.ts'

export interface ArchiveRequest {
  uri: string
  table: string
  place: ArchivePlace
  /** CSV, or what the archive that is there has, where it is undefined. */
  format: ArchiveFormat | undefined
  lockTimeoutMs: number
}

export interface ArchiveHooks {
  onStep(what: string): void
  /** Asked once the archive is whole; true lets the table be dropped. */
  mayDrop(manifest: Manifest): Promise<boolean>
}

export interface Archived {
  manifest: Manifest
  directory: string
  dropped: boolean
}

/**
 * Detaches a partition, writes the table's rows and definition to a directory, reads them back into a
 * temporary table and compares. A run that was interrupted is done again and finds what it was about;
 * where the archive is whole, the table is compared with it.
 */
export async function archiveTable(
  request: ArchiveRequest,
  hooks: ArchiveHooks,
): Promise<Archived> {
  return openArchiveSql(request.uri, request.lockTimeoutMs, async (sql) => {
    const current = await currentDefinition(sql, request.table)
    const directory = request.place.directory(directoryNameOf(current))
    const written = await directory.readText(manifestName)
    const manifest =
      written === undefined
        ? await makeArchive(sql, { directory, current, format: request.format ?? 'csv' }, hooks)
        : parseManifest(written, `${directory.path}/${manifestName}`)
    requireFormat(manifest, request.format, directory)
    if (written !== undefined) await compare(sql, directory, manifest, hooks)
    const dropped = await hooks.mayDrop(manifest)
    if (dropped) {
      hooks.onStep(`Dropping ${current.qualified_name}`)
      await dropTable(sql, manifest)
    }
    return { manifest, directory: directory.path, dropped }
  })
}

function requireFormat(
  manifest: Manifest,
  wanted: ArchiveFormat | undefined,
  { path }: ArchiveDirectory,
): void {
  const found = formatOf(manifest)
  if (wanted === undefined || wanted === found) return
  throw new CliError(`${path} holds the table as ${found} already.`, {
    advice: 'Archive it to another place (--to), or leave --format out.',
  })
}

async function currentDefinition(sql: Sql, table: string): Promise<TableDefinition> {
  const relation = await findRelation(sql, table)
  if (relation.kind !== 'r' || relation.hasChildren) {
    throw new CliError(`The rows of ${relation.name} are in several tables.`, {
      advice: 'Archive its partitions or child tables one by one.',
    })
  }
  await sql.unsafe("set search_path = ''")
  return readDefinition(sql, relation)
}

interface Making {
  directory: ArchiveDirectory
  current: TableDefinition
  format: ArchiveFormat
}

async function makeArchive(
  sql: Sql,
  { directory, current, format }: Making,
  hooks: ArchiveHooks,
): Promise<Manifest> {
  const definition = await keepDefinition(directory, current)
  if (current.partition !== null) {
    hooks.onStep(`Detaching ${current.qualified_name} from ${current.partition.parent}`)
    await detachPartition(sql, current)
  }
  hooks.onStep(`Exporting ${current.qualified_name}`)
  const { content, files } = await exportRows(sql, definition, directory, format)
  const [server] = await sql<Array<{ version: string; database: string }>>`
    select current_setting('server_version') as version, current_database() as database`
  const manifest = createManifest({
    archived_at: new Date().toISOString(),
    server_version: server?.version ?? '',
    database: server?.database ?? '',
    definition,
    content,
    files,
  })
  hooks.onStep(`Reading ${content.rows} rows back`)
  await verifyFiles(sql, directory, manifest)
  await writeJson(directory, manifestName, manifest)
  await directory.remove(definitionName)
  return manifest
}

/**
 * Notes what is about to be archived: once detached, a partition does not know where it was. A run that
 * was interrupted after that has left it.
 */
async function keepDefinition(
  directory: ArchiveDirectory,
  current: TableDefinition,
): Promise<TableDefinition> {
  const text = current.partition === null ? await directory.readText(definitionName) : undefined
  if (text !== undefined) {
    const before = JSON.parse(text) as TableDefinition
    if (before.columns.join() === current.columns.join()) return before
  }
  await writeJson(directory, definitionName, current)
  return current
}

async function writeJson(directory: ArchiveDirectory, name: string, value: object): Promise<void> {
  async function* source() {
    yield Buffer.from(`${JSON.stringify(value, null, 2)}\n`)
  }
  await directory.write(name, source())
}

async function compare(
  sql: Sql,
  directory: ArchiveDirectory,
  manifest: Manifest,
  hooks: ArchiveHooks,
): Promise<void> {
  hooks.onStep(`Comparing with the archive of ${manifest.archived_at}`)
  await verifyFiles(sql, directory, manifest)
  if (isSame(await contentOf(sql, manifest.definition), manifest.content)) return
  throw new CliError(`${manifest.definition.qualified_name} is not what ${directory.path} holds.`, {
    advice: 'It has changed since it was archived. Archive it to another directory (--to).',
  })
}

/** Reads the files into a temporary table, which must then hold what the table held. */
async function verifyFiles(
  sql: Sql,
  directory: ArchiveDirectory,
  { definition, content, files }: Manifest,
): Promise<void> {
  const into = 'pg_temp.coppice_archive_check'
  const found = await sql.begin(async (tx) => {
    await tx.unsafe(
      `create temp table coppice_archive_check on commit drop as
       select ${definition.columns.join(', ')} from ${definition.qualified_name} with no data`,
    )
    await importRows(tx, definition, directory, { files, into })
    return contentOf(tx, definition, into)
  })
  if (!isSame(found, content)) throw different(definition)
}

export function isSame(a: Content, b: Content): boolean {
  return a.rows === b.rows && a.hash === b.hash
}

export function different({ qualified_name }: TableDefinition): CliError {
  return new CliError(
    `The archive of ${qualified_name} does not give the rows that it was made of.`,
    {
      advice: 'The table was left as it was. Report this with the definition of the table.',
    },
  )
}

/** Nobody can write between the last comparison and the end of the table. */
async function dropTable(sql: Sql, { definition, content }: Manifest): Promise<void> {
  const name = definition.qualified_name
  await withLockRetries(`Dropping ${name}`, async () =>
    sql.begin(async (tx) => {
      await tx.unsafe(`lock table ${name} in access exclusive mode`)
      if (!isSame(await contentOf(tx, definition), content)) {
        throw new CliError(`${name} was written to meanwhile, and was not dropped.`, {
          advice: 'Archive it to another directory (--to).',
        })
      }
      await tx.unsafe(`drop table ${name}`)
    }),
  )
}

/** Rows as text are the same in every session that hashes them. */
export async function openArchiveSql<T>(
  uri: string,
  lockTimeoutMs: number,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  return openSql(uri, work, {
    application_name: 'coppice archive',
    default_transaction_read_only: false,
    // A table may take hours.
    statement_timeout: 0,
    idle_in_transaction_session_timeout: 0,
    lock_timeout: lockTimeoutMs,
    DateStyle: 'ISO, MDY',
    TimeZone: 'UTC',
    bytea_output: 'hex',
    extra_float_digits: 1,
    xmlbinary: 'base64',
    row_security: 'off',
  })
}

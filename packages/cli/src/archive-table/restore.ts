import type { TransactionSql } from '@coppice/migrate/database'

import { CliError } from '../errors.ts'
import { different, isSame, openArchiveSql } from './archive.ts'
import { contentOf, importRows } from './copy.ts'
import { type Manifest, manifestName, parseManifest } from './manifest.ts'
import { attachPartition } from './partition.ts'
import type { ArchiveDirectory, ArchivePlace } from './place.ts'

export interface RestoreRequest {
  uri: string
  directory: ArchiveDirectory
  attach: boolean
  lockTimeoutMs: number
}

/** Makes the table again with its rows, all or nothing, and then attaches it if that is wanted. */
export async function restoreTable(
  request: RestoreRequest,
  onStep: (what: string) => void,
): Promise<Manifest> {
  const { directory } = request
  const manifest = await readManifest(directory)
  const { definition } = manifest
  if (request.attach && definition.partition === null) {
    throw new CliError(`${definition.qualified_name} was no partition.`, {
      advice: 'Leave --attach out.',
    })
  }
  return openArchiveSql(request.uri, request.lockTimeoutMs, async (sql) => {
    await sql.unsafe("set search_path = ''")
    const [found] = await sql`
      select to_regclass(${definition.qualified_name}) is not null as there`
    if (found?.['there'] === 't') {
      throw new CliError(`There is a table ${definition.qualified_name} already.`, {
        advice: 'Rename or drop it first, or restore on another branch (--branch).',
      })
    }
    onStep(`Restoring ${manifest.content.rows} rows of ${definition.qualified_name}`)
    await sql.begin(async (tx) => fill(tx, directory, manifest))
    if (request.attach) {
      onStep(`Attaching it to ${definition.partition?.parent}`)
      await attachPartition(sql, definition)
    }
    return manifest
  })
}

async function fill(
  tx: TransactionSql,
  directory: ArchiveDirectory,
  { definition, content, files }: Manifest,
): Promise<void> {
  for (const statement of [...definition.before_table, definition.create_table]) {
    await tx.unsafe(statement)
  }
  const into = definition.qualified_name
  await importRows(tx, definition, directory, { files, into })
  if (!isSame(await contentOf(tx, definition), content)) throw different(definition)
  for (const statement of definition.after_rows) await tx.unsafe(statement)
}

async function readManifest(directory: ArchiveDirectory): Promise<Manifest> {
  const path = `${directory.path}/${manifestName}`
  const text = await directory.readText(manifestName)
  if (text !== undefined) return parseManifest(text, path)
  throw new CliError(`There is no ${path}.`, {
    advice: 'Name the manifest.json of an archive: `coppice archive list <place>`.',
  })
}

/** The archives of a place; what is not whole yet is left out. */
export async function listArchives(
  place: ArchivePlace,
): Promise<Array<{ path: string; manifest: Manifest }>> {
  const found: Array<{ path: string; manifest: Manifest }> = []
  for (const directory of await place.directories()) {
    const text = await directory.readText(manifestName)
    const path = `${directory.path}/${manifestName}`
    if (text !== undefined) found.push({ path, manifest: parseManifest(text, path) })
  }
  return found
}

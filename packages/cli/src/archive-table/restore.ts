import { basename, dirname } from 'node:path'

import { CliError } from '../errors.ts'
import type { TransactionSql } from '../sql-connection.ts'
import { different, isSame, openArchiveSql } from './archive.ts'
import { contentOf, importRows } from './copy.ts'
import { type ArchiveDirectory, listDirectories, openDirectory } from './directory.ts'
import { type Manifest, manifestName, parseManifest } from './manifest.ts'
import { attachPartition } from './partition.ts'

export interface RestoreRequest {
  uri: string
  manifest: string
  attach: boolean
  lockTimeoutMs: number
}

/** Makes the table again with its rows, all or nothing, and then attaches it if that is wanted. */
export async function restoreTable(
  request: RestoreRequest,
  onStep: (what: string) => void,
): Promise<Manifest> {
  const directory = openDirectory(dirname(request.manifest))
  const manifest = await readManifest(directory, basename(request.manifest))
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

async function readManifest(directory: ArchiveDirectory, name: string): Promise<Manifest> {
  const path = `${directory.path}/${name}`
  const text = await directory.readText(name)
  if (text !== undefined) return parseManifest(text, path)
  throw new CliError(`There is no ${path}.`, {
    advice: 'Name the manifest.json of an archive: `coppice archive list --to <directory>`.',
  })
}

/** The archives below a directory; what is not whole yet is left out. */
export async function listArchives(
  root: string,
): Promise<Array<{ path: string; manifest: Manifest }>> {
  const found: Array<{ path: string; manifest: Manifest }> = []
  for (const path of await listDirectories(root)) {
    const text = await openDirectory(path).readText(manifestName)
    const file = `${path}/${manifestName}`
    if (text !== undefined) found.push({ path: file, manifest: parseManifest(text, file) })
  }
  return found
}

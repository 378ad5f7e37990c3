import { CliError } from '../errors.ts'
import type { TableDefinition } from './definition.ts'
import type { ParquetColumn } from './parquet-types.ts'

export const manifestName = 'manifest.json'
/** What is being archived, until the manifest takes its place. */
export const definitionName = 'definition.json'
const format = 'coppice archive'
const formatVersion = 1

/** What a table holds: the same for the same rows, in whichever order. */
export interface Content {
  rows: number
  /** Sum of PostgreSQL's hashes of the rows as text. */
  hash: string
}

export const archiveFormats = ['csv', 'parquet'] as const
export type ArchiveFormat = (typeof archiveFormats)[number]

export interface ArchivedFile {
  name: string
  bytes: number
  /** Of the rows as CSV. */
  uncompressed_bytes: number
  sha256: string
  /** Of a Parquet file: what each column is there, and what in SQL. */
  columns?: ParquetColumn[]
}

/** An archived table. It is written last: where it is, the archive is whole and has been verified. */
export interface Manifest {
  format: typeof format
  format_version: typeof formatVersion
  archived_at: string
  server_version: string
  database: string
  definition: TableDefinition
  content: Content
  files: ArchivedFile[]
}

export function createManifest(fields: Omit<Manifest, 'format' | 'format_version'>): Manifest {
  return { format, format_version: formatVersion, ...fields }
}

/** Rejects what is none of ours, or of a later version. */
export function parseManifest(text: string, from: string): Manifest {
  let found: Partial<Manifest> | null
  try {
    found = JSON.parse(text) as Partial<Manifest> | null
  } catch (error) {
    throw new CliError(`${from} is not JSON.`, { cause: error })
  }
  if (found?.format !== format) throw new CliError(`${from} is not the manifest of an archive.`)
  if (found.format_version !== formatVersion) {
    throw new CliError(`${from} was written by a later version of Coppice.`)
  }
  const { definition, content, files } = found
  if (!definition || !content || !Array.isArray(files)) throw new CliError(`${from} is not whole.`)
  return found as Manifest
}

export function formatOf({ files }: Manifest): ArchiveFormat {
  return files.some(({ columns }) => columns !== undefined) ? 'parquet' : 'csv'
}

export function bytesOf({ files }: Manifest): number {
  return files.reduce((sum, file) => sum + file.bytes, 0)
}

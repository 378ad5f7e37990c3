import { createHash } from 'node:crypto'
import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'

import type { Sql, TransactionSql } from '@coppice/migrate/database'

import { CliError } from '../errors.ts'
import type { TableDefinition } from './definition.ts'
import type { ArchivedFile, ArchiveFormat, Content } from './manifest.ts'
import { type ParquetColumn, readParquetColumns } from './parquet-types.ts'
import { fromParquet, toParquet } from './parquet.ts'
import type { ArchiveDirectory } from './place.ts'

const dataNames: Record<ArchiveFormat, string> = { csv: 'data.csv.gz', parquet: 'data.parquet' }
/** PostgreSQL sends a message a row, which would be many small pieces to compress. */
const pieceBytes = 64 * 1024
const options = "(format csv, header, encoding 'UTF8')"

/** Counts and hashes the rows of a table, or of another with its columns. */
export async function contentOf(
  sql: Sql | TransactionSql,
  { qualified_name, columns }: TableDefinition,
  from = qualified_name,
): Promise<Content> {
  const [row] = await sql.unsafe<Array<{ rows: string; hash: string }>>(
    `select count(*)::text as rows,
       coalesce(sum(hashtextextended(row(${columns.join(', ')})::text, 0)::numeric), 0)::text as hash
     from only ${from}`,
  )
  return { rows: Number(row?.rows), hash: row?.hash ?? '' }
}

/** Writes the rows, compressed, in bounded memory; answers them as one snapshot saw them. */
export async function exportRows(
  sql: Sql,
  definition: TableDefinition,
  directory: ArchiveDirectory,
  format: ArchiveFormat,
): Promise<{ content: Content; files: ArchivedFile[] }> {
  // Not `sql.begin`: that would wait for the rest of the rows where writing them has failed.
  await sql.unsafe('begin isolation level repeatable read read only')
  const content = await contentOf(sql, definition)
  const columns = format === 'parquet' ? await readParquetColumns(sql, definition) : undefined
  const expectedBytes = await sizeOf(sql, definition)
  const list = definition.columns.join(', ')
  const query = sql.unsafe(
    `copy (select ${list} from only ${definition.qualified_name}) to stdout ${options}`,
  )
  const rows: Readable = await query.readable()
  const plain = { bytes: 0 }
  const name = dataNames[format]
  const file = { name, bytes: 0, uncompressed_bytes: 0, sha256: '' }
  const csv = pieces(rows, plain)
  const encoded = columns === undefined ? compressed(csv) : toParquet(csv, columns)
  try {
    await directory.write(name, measured(encoded, file), { expectedBytes })
  } catch (error) {
    query.cancel()
    throw error
  } finally {
    release(rows)
  }
  await sql.unsafe('commit')
  return {
    content,
    files: [{ ...file, uncompressed_bytes: plain.bytes, ...(columns && { columns }) }],
  }
}

async function sizeOf(sql: Sql, { qualified_name }: TableDefinition): Promise<number> {
  const [row] = await sql`select pg_table_size(${qualified_name}::text::regclass)::text as bytes`
  return Number(row?.['bytes'] ?? 0)
}

async function* compressed(csv: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gzip = createGzip()
  const compressing = pipeline(csv, gzip)
  // Awaited below; until then a failure must have somebody who listens.
  compressing.catch(() => undefined)
  yield* gzip
  await compressing
}

/**
 * Lets the connection go on. The library leaves its socket paused where the rows came to their end, or
 * were left, while its buffer was full.
 */
function release(rows: Readable): void {
  rows.on('error', () => undefined)
  // Those of an iteration that was left, which would not let it flow.
  rows.removeAllListeners('readable')
  rows.on('data', () => undefined)
  rows._read(0)
}

async function* pieces(source: Readable, tally: { bytes: number }): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = []
  let heldBytes = 0
  // A destroyed one would hold its connection up for good.
  const chunks: AsyncIterable<Uint8Array> = source.iterator({ destroyOnReturn: false })
  for await (const chunk of chunks) {
    held.push(chunk)
    heldBytes += chunk.length
    if (heldBytes < pieceBytes) continue
    tally.bytes += heldBytes
    yield Buffer.concat(held)
    held = []
    heldBytes = 0
  }
  tally.bytes += heldBytes
  yield Buffer.concat(held)
}

async function* measured(
  source: AsyncIterable<Uint8Array>,
  file: { bytes: number; sha256: string },
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  for await (const chunk of source) {
    file.bytes += chunk.length
    hash.update(chunk)
    yield chunk
  }
  file.sha256 = hash.digest('hex')
}

/** Reads archived rows into a table with the same columns; rejects files that are not what they were. */
export async function importRows(
  tx: TransactionSql,
  definition: TableDefinition,
  directory: ArchiveDirectory,
  { files, into }: { files: readonly ArchivedFile[]; into: string },
): Promise<void> {
  const statement = `copy ${into} (${definition.columns.join(', ')}) from stdin ${options}`
  for (const file of files) {
    // Before PostgreSQL sees any of it, whose words would be about the rows.
    await requireIntact(directory, file)
    const sink: Writable = await tx.unsafe(statement).writable()
    const { columns } = file
    const rows =
      columns === undefined ? readRows(directory, file) : readParquet(directory, file, columns)
    await sendRows(tx, rows, sink)
  }
}

async function* readRows(
  directory: ArchiveDirectory,
  file: ArchivedFile,
): AsyncGenerator<Uint8Array> {
  const found = { bytes: 0, sha256: '' }
  const gunzip = createGunzip()
  const reading = pipeline(measured(directory.read(file.name), found), gunzip)
  // Awaited below; until then a failure must have somebody who listens.
  reading.catch(() => undefined)
  try {
    yield* gunzip
    await reading
  } catch (error) {
    throw damaged(file, error)
  }
  if (found.bytes !== file.bytes || found.sha256 !== file.sha256) throw damaged(file, undefined)
}

async function* readParquet(
  directory: ArchiveDirectory,
  file: ArchivedFile,
  columns: readonly ParquetColumn[],
): AsyncGenerator<Uint8Array> {
  try {
    yield* fromParquet(directory, file, columns)
  } catch (error) {
    throw damaged(file, error)
  }
}

async function requireIntact(directory: ArchiveDirectory, file: ArchivedFile): Promise<void> {
  const found = { bytes: 0, sha256: '' }
  // Only its sums are wanted.
  for await (const _ of measured(directory.read(file.name), found)) void _
  if (found.bytes !== file.bytes || found.sha256 !== file.sha256) throw damaged(file, undefined)
}

function damaged({ name }: ArchivedFile, cause: unknown): CliError {
  return new CliError(`${name} is not what was archived.`, {
    advice: 'It is damaged or incomplete: take another copy of it. Nothing was changed.',
    cause,
  })
}

/** The library has no word for rows that are refused after the last: the next statement has. */
async function sendRows(
  tx: TransactionSql,
  rows: AsyncIterable<Uint8Array>,
  sink: Writable,
): Promise<void> {
  sink.on('error', () => undefined)
  const write = async (piece: Uint8Array) =>
    new Promise<void>((resolve, reject) => {
      sink.write(piece, (error) => (error ? reject(error) : resolve()))
    })
  try {
    for await (const piece of rows) await write(piece)
  } catch (error) {
    const refusal = sink.errored
    sink.destroy(new Error('stopped'))
    throw refusal ?? error
  }
  sink.end()
  await tx`select 1`
}

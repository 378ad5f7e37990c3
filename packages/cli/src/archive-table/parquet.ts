import { gunzipSync, gzipSync } from 'node:zlib'

import type { AsyncBuffer, FileMetaData, SchemaElement } from 'hyparquet'

import { type CsvRow, parseCsv, renderCsvRow } from './csv.ts'
import { conversionOf, type ParquetColumn, type Physical } from './parquet-types.ts'
import type { ArchiveDirectory } from './place.ts'

/** A row group is held in memory while it is made and while it is read. */
const groupBytes = 16 * 1024 * 1024
const groupRows = 100_000
/** Those of a row group that are sent at once. */
const pieceRows = 500
/** Every reader has it, and Node does it in native code. */
const codec = 'GZIP'

/** Makes a Parquet file of CSV with a header, a row group at a time. */
export async function* toParquet(
  csv: AsyncIterable<Uint8Array>,
  columns: readonly ParquetColumn[],
): AsyncGenerator<Uint8Array> {
  const { ByteWriter, ParquetWriter } = await import('hyparquet-writer')
  const bytes = new ByteWriter()
  const writer = new ParquetWriter({
    writer: bytes,
    schema: schemaOf(columns),
    codec,
    compressors: { [codec]: (plain: Uint8Array) => gzipSync(plain) },
    createdBy: 'coppice archive',
  })
  const taken = (): Uint8Array => {
    const piece = Buffer.from(bytes.getBytes())
    bytes.index = 0
    return piece
  }
  for await (const rows of inGroups(csv)) {
    await writer.write({
      rowGroupSize: rows.length,
      columnData: columns.map((column, at) => {
        const { element, toPhysical } = conversionOf(column)
        const isFloat = element.type === 'FLOAT' || element.type === 'DOUBLE'
        return {
          name: column.name,
          data: rows.map((row) => {
            const field = row[at] ?? null
            return field === null ? null : toPhysical(field)
          }),
          offsetIndex: false,
          // A dictionary would take -0 for 0.
          ...(isFloat && { encoding: 'PLAIN' as const }),
        }
      }),
    })
    yield taken()
  }
  await writer.finish()
  yield taken()
}

function schemaOf(columns: readonly ParquetColumn[]): SchemaElement[] {
  return [
    { name: 'root', num_children: columns.length },
    ...columns.map((column) => ({
      name: column.name,
      repetition_type: 'OPTIONAL' as const,
      ...conversionOf(column).element,
    })),
  ]
}

async function* inGroups(csv: AsyncIterable<Uint8Array>): AsyncGenerator<CsvRow[]> {
  let held: CsvRow[] = []
  let heldBytes = 0
  let isHeader = true
  for await (const row of parseCsv(csv)) {
    if (isHeader) {
      isHeader = false
      continue
    }
    held.push(row)
    for (const field of row) heldBytes += field?.byteLength ?? 0
    if (held.length < groupRows && heldBytes < groupBytes) continue
    yield held
    held = []
    heldBytes = 0
  }
  if (held.length > 0) yield held
}

/** The rows of a Parquet file of ours as CSV with a header, a row group in memory at a time. */
export async function* fromParquet(
  directory: ArchiveDirectory,
  file: { name: string; bytes: number },
  columns: readonly ParquetColumn[],
): AsyncGenerator<Uint8Array> {
  const { parquetMetadataAsync, parquetRead } = await import('hyparquet')
  const buffer: AsyncBuffer = {
    byteLength: file.bytes,
    slice: async (start, end = file.bytes) => {
      const {
        buffer: memory,
        byteOffset,
        byteLength,
      } = await directory.readRange(file.name, start, end)
      return memory.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer
    },
  }
  const metadata = physicalOnly(await parquetMetadataAsync(buffer))
  const conversions = columns.map(conversionOf)
  yield renderCsvRow(columns.map(({ name }) => Buffer.from(name)))
  let rowStart = 0
  for (const { num_rows: count } of metadata.row_groups) {
    const rowEnd = rowStart + Number(count)
    let rows: Array<Array<Physical | null | undefined>> = []
    await parquetRead({
      file: buffer,
      metadata,
      columns: columns.map(({ name }) => name),
      rowStart,
      rowEnd,
      utf8: false,
      geoparquet: false,
      compressors: { [codec]: (packed: Uint8Array) => gunzipSync(packed) },
      onComplete: (found) => {
        rows = found
      },
    })
    const lines = rows.map((row) =>
      renderCsvRow(
        conversions.map(({ toText }, at) => {
          const value = row[at]
          return value === null || value === undefined ? null : toText(value)
        }),
      ),
    )
    for (let at = 0; at < lines.length; at += pieceRows) {
      yield Buffer.concat(lines.slice(at, at + pieceRows))
    }
    rowStart = rowEnd
  }
}

/** The library would make numbers of decimals and dates of microseconds, which loses some. */
function physicalOnly(metadata: FileMetaData): FileMetaData {
  const schema = metadata.schema.map((element) => {
    const { converted_type: _, logical_type: _type, ...physical } = element
    return physical
  })
  return { ...metadata, schema }
}

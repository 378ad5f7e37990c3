import type { QueryLine } from '@coppice/api'
import { ApiError } from '@coppice/api/client'

import type { GridColumn, GridSource } from '../../grid/grid-source.ts'
import { rowFormat, type RowFormatName, textOf } from '../../grid/rows-as-text.ts'
import { type FileSink, openFile } from './file-sink.ts'
import { untilNextTask } from './next-task.ts'

interface ExportOptions {
  format: RowFormatName
  columns: readonly GridColumn[]
  /** Of INSERTs. */
  table: string
  /** Of the file, without its extension. */
  name: string
}

/** Writes the rows that are loaded. Answers how many, undefined where the person has cancelled it. */
export async function exportLoaded(
  source: GridSource,
  options: ExportOptions,
): Promise<number | undefined> {
  const format = rowFormat(options.format, options.columns, options.table)
  const file = await openFile({ ...format, name: `${options.name}.${format.extension}` })
  if (file === undefined) return undefined
  await fill(file, async () => {
    for (const part of textOf(source, format)) {
      await file.write(part)
      await untilNextTask()
    }
  })
  return source.rowCount
}

interface RunExport extends ExportOptions {
  /** Runs the statement again. It is called when the file is open. */
  query: () => Promise<AsyncIterable<QueryLine>>
  /** How many rows are written. */
  onProgress: (rows: number) => void
}

/** Writes all rows of a statement that is run again, none of which is kept. */
export async function exportAll(options: RunExport): Promise<number | undefined> {
  const format = rowFormat(options.format, options.columns, options.table)
  const file = await openFile({ ...format, name: `${options.name}.${format.extension}` })
  if (file === undefined) return undefined
  let rows = 0
  await fill(file, async () => {
    await file.write(format.head)
    for await (const line of await options.query()) {
      if (line.type === 'error') throw new ApiError(422, line)
      if (line.type !== 'rows') continue
      await file.write(line.rows.map((row, index) => format.row(row, rows + index)).join(''))
      rows += line.rows.length
      options.onProgress(rows)
    }
    await file.write(format.foot)
  })
  return rows
}

async function fill(file: FileSink, write: () => Promise<void>): Promise<void> {
  try {
    await write()
  } catch (error) {
    await file.abort()
    throw error
  }
  await file.close()
}

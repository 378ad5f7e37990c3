import { quoteName, quoteValue } from '../sql/quote.ts'
import { type GridColumn, type GridSource, isJson, isNumeric } from './grid-source.ts'
import type { Rectangle } from './selection.ts'

type Row = ReadonlyArray<string | null>

/** Rows as a file has them. What comes of `head`, `row` after `row`, and `foot` is the file. */
export interface RowFormat {
  extension: string
  mediaType: string
  head: string
  row: (row: Row, index: number) => string
  foot: string
}

export type RowFormatName = 'csv' | 'json' | 'ndjson' | 'sql'

/** For people. */
export const rowFormatNames: Readonly<Record<RowFormatName, string>> = {
  csv: 'CSV',
  json: 'JSON',
  ndjson: 'NDJSON',
  sql: 'INSERTs',
}

/** A format for rows of these columns. INSERTs go into `table`, a name as SQL has it. */
export function rowFormat(
  name: RowFormatName,
  columns: readonly GridColumn[],
  table = 'table_name',
): RowFormat {
  switch (name) {
    case 'csv':
      return {
        extension: 'csv',
        mediaType: 'text/csv',
        head: csvLine(columns.map((column) => column.name)),
        row: csvLine,
        foot: '',
      }
    case 'json':
      return {
        extension: 'json',
        mediaType: 'application/json',
        head: '[',
        row: (row, index) => `${index === 0 ? '\n' : ',\n'}${jsonObject(columns, row)}`,
        foot: '\n]\n',
      }
    case 'ndjson':
      return {
        extension: 'ndjson',
        mediaType: 'application/x-ndjson',
        head: '',
        row: (row) => `${jsonObject(columns, row)}\n`,
        foot: '',
      }
    case 'sql':
      return insertFormat(columns, table)
  }
}

function insertFormat(columns: readonly GridColumn[], table: string): RowFormat {
  const names = columns.map((column) => quoteName(column.name)).join(', ')
  return {
    extension: 'sql',
    mediaType: 'application/sql',
    head: '',
    row: (row) => {
      const values = columns.map(({ type }, column) => literal(row[column] ?? null, type))
      return `INSERT INTO ${table} (${names}) VALUES (${values.join(', ')});\n`
    },
    foot: '',
  }
}

/** As COPY writes it: NULL is nothing, an empty text is `""` (PostgreSQL manual, COPY). */
function csvLine(row: Row): string {
  const fields = row.map((value) => {
    if (value === null) return ''
    return value === '' || /[",\r\n]|^\s|\s$|^\\\.$/.test(value)
      ? `"${value.replaceAll('"', '""')}"`
      : value
  })
  return `${fields.join(',')}\n`
}

const jsonNumber = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/

function jsonObject(columns: readonly GridColumn[], row: Row): string {
  const fields = columns.map(
    ({ name, type }, column) => `${JSON.stringify(name)}:${jsonValue(row[column] ?? null, type)}`,
  )
  return `{${fields.join(',')}}`
}

/** A number keeps its digits: what reads it decides how many it can hold. */
function jsonValue(value: string | null, type: string): string {
  if (value === null) return 'null'
  if (type === 'boolean') return value === 't' ? 'true' : 'false'
  if (isJson(type) || (isNumeric(type) && jsonNumber.test(value))) return value
  return JSON.stringify(value)
}

function literal(value: string | null, type: string): string {
  if (value === null) return 'NULL'
  if (isNumeric(type) && jsonNumber.test(value)) return value
  return quoteValue(value)
}

/** A few hundred kilobytes: what is built at a time, so that the whole is never one string. */
const rowsAtATime = 5000

/** The text of all rows that are loaded, in parts. */
export function* textOf(source: GridSource, format: RowFormat): Generator<string> {
  yield format.head
  for (let first = 0; first < source.rowCount; first += rowsAtATime) {
    const last = Math.min(source.rowCount, first + rowsAtATime)
    let part = ''
    for (let row = first; row < last; row += 1) {
      part += format.row(
        source.columns.map((_, column) => source.cell(row, column)),
        row,
      )
    }
    yield part
  }
  yield format.foot
}

/** Cells as a spreadsheet pastes them; a single one as it is. NULL is nothing. */
export function copyText(source: GridSource, { top, left, bottom, right }: Rectangle): string {
  if (top === bottom && left === right) return source.cell(top, left) ?? ''
  const lines: string[] = []
  for (let row = top; row <= bottom; row += 1) {
    const fields: string[] = []
    for (let column = left; column <= right; column += 1) {
      const value = source.cell(row, column) ?? ''
      fields.push(/["\t\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value)
    }
    lines.push(fields.join('\t'))
  }
  return lines.join('\n')
}

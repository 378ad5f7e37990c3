/** One query by the extended protocol (PostgreSQL manual, "Extended Query"), values as texts. */
import { message } from '../wire/messages.ts'
import type { SqlQuery } from './sql-body.ts'

const lengthBytes = 4
const countBytes = 2

/** Parse, Bind, Describe and Execute of the unnamed statement and portal; types are PostgreSQL's to infer. */
export function queryMessages({ text, parameters }: Pick<SqlQuery, 'text' | 'parameters'>): Buffer {
  return Buffer.concat([parse(text), bind(parameters), describe, execute])
}

/** The same for a statement of ours, of which no result is wanted. */
export function commandMessages(text: string, parameters: readonly string[] = []): Buffer {
  return Buffer.concat([parse(text), bind(parameters), execute])
}

/** Unnamed, and no types of parameters. */
function parse(text: string): Buffer {
  return message('P', Buffer.from(`\0${text}\0\0\0`))
}

function bind(parameters: readonly (string | null)[]): Buffer {
  const sizes = parameters.map((value) => (value === null ? -1 : Buffer.byteLength(value)))
  const valueBytes = sizes.reduce((sum, size) => sum + lengthBytes + Math.max(0, size), 0)
  // Unnamed portal and statement; no formats, which makes all of them text.
  const body = Buffer.alloc(2 + 3 * countBytes + valueBytes)
  let at = body.writeUInt16BE(parameters.length, 2 + countBytes)
  for (const [index, value] of parameters.entries()) {
    at = body.writeInt32BE(sizes[index] ?? -1, at)
    if (value !== null) at += body.write(value, at)
  }
  return message('B', body)
}

const describe = message('D', Buffer.from('P\0'))
/** Unnamed portal, without a limit of rows. */
const execute = message('E', Buffer.alloc(1 + lengthBytes))

/** Ends the pipeline: PostgreSQL answers with ReadyForQuery. */
export const sync = message('S', Buffer.alloc(0))

export function simpleQuery(text: string): Buffer {
  return message('Q', Buffer.from(`${text}\0`))
}

export interface Column {
  name: string
  dataTypeID: number
  tableID: number
  columnID: number
  dataTypeSize: number
  dataTypeModifier: number
  format: 'text'
}

/** A RowDescription, in the order of the answer's fields. */
export function parseRowDescription(body: Buffer): Column[] {
  const columns: Column[] = []
  let at = countBytes
  for (let left = body.readUInt16BE(0); left > 0; left--) {
    const end = body.indexOf(0, at)
    columns.push({
      name: body.toString('utf8', at, end),
      dataTypeID: body.readUInt32BE(end + 7),
      tableID: body.readUInt32BE(end + 1),
      columnID: body.readInt16BE(end + 5),
      dataTypeSize: body.readInt16BE(end + 11),
      dataTypeModifier: body.readInt32BE(end + 13),
      format: 'text',
    })
    at = end + 19
  }
  return columns
}

/** Texts of a DataRow; null is NULL. */
export function parseDataRow(body: Buffer): (string | null)[] {
  const values: (string | null)[] = []
  let at = countBytes
  for (let left = body.readUInt16BE(0); left > 0; left--) {
    const size = body.readInt32BE(at)
    at += lengthBytes
    values.push(size === -1 ? null : body.toString('utf8', at, at + size))
    at += Math.max(0, size)
  }
  return values
}

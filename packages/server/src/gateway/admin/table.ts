/** Tables of the console as messages (PostgreSQL manual, "Message Formats"). */
import { message } from '../wire/messages.ts'

/** The types that PgBouncer gives its columns. */
export type ColumnType = 'text' | 'int4' | 'int8' | 'numeric' | 'bytea'

export interface Column {
  name: string
  type: ColumnType
}

/** Numbers are whole and not negative. */
export type Cell = string | number | null
export type Row = readonly Cell[]

/** In which form a client wants a column: 0 is text, 1 is binary. */
export type FormatCode = number

/** Object id and size of a type, as `pg_type` has them. */
const types: Readonly<Record<ColumnType, readonly [oid: number, bytes: number]>> = {
  text: [25, -1],
  int4: [23, 4],
  int8: [20, 8],
  numeric: [1700, -1],
  bytea: [17, -1],
}

/** What fits an int4. Larger numbers are whole in text only, which is what nearly all clients ask for. */
const maxInt4 = 0x7fffffff

export function rowDescription(
  columns: readonly Column[],
  formats: readonly FormatCode[] = [],
): Buffer {
  const parts = columns.map(({ name, type }, at) => {
    const [oid, bytes] = types[type]
    const field = Buffer.alloc(18)
    field.writeUInt32BE(oid, 6)
    field.writeInt16BE(bytes, 10)
    field.writeInt32BE(-1, 12)
    field.writeInt16BE(formatOf(formats, at), 16)
    return Buffer.concat([Buffer.from(`${name}\0`), field])
  })
  return message('T', Buffer.concat([int16(columns.length), ...parts]))
}

export function dataRow(
  columns: readonly Column[],
  row: Row,
  formats: readonly FormatCode[] = [],
): Buffer {
  const cells = columns.flatMap(({ type }, at) => {
    const cell = row[at] ?? null
    if (cell === null) return [int32(-1)]
    const isBinary = formatOf(formats, at) === 1
    const bytes = isBinary ? binary(type, cell) : Buffer.from(String(cell))
    return [int32(bytes.length), bytes]
  })
  return message('D', Buffer.concat([int16(columns.length), ...cells]))
}

/** No codes mean text for all, one is for all (manual, "Bind"). */
function formatOf(formats: readonly FormatCode[], at: number): FormatCode {
  return (formats.length === 1 ? formats[0] : formats[at]) ?? 0
}

function binary(type: ColumnType, cell: string | number): Buffer {
  switch (type) {
    case 'text':
    case 'bytea':
      return Buffer.from(String(cell))
    case 'int4':
      return int32(Math.min(Number(cell), maxInt4))
    case 'int8': {
      const bytes = Buffer.alloc(8)
      bytes.writeBigInt64BE(BigInt(cell))
      return bytes
    }
    case 'numeric':
      return binaryNumeric(BigInt(cell))
  }
}

/** Digits to the base of 10,000 behind their count, the first one's weight, sign and scale. */
function binaryNumeric(value: bigint): Buffer {
  const digits: number[] = []
  for (let rest = value; rest > 0n; rest /= 10_000n) digits.unshift(Number(rest % 10_000n))
  const weight = Math.max(digits.length - 1, 0)
  return Buffer.concat([digits.length, weight, 0, 0, ...digits].map((number) => int16(number)))
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

const quote = 0x22
const comma = 0x2c
const newline = 0x0a

/** The fields of one row; null is PostgreSQL's. */
export type CsvRow = Array<Uint8Array | null>

/**
 * Takes apart what `COPY … TO STDOUT (FORMAT csv)` sends (manual, COPY): a field is null where it is empty
 * and not quoted. Fields are bytes, in the encoding of the stream, and may share memory with it.
 */
export async function* parseCsv(source: AsyncIterable<Uint8Array>): AsyncGenerator<CsvRow> {
  let held: Uint8Array[] = []
  let heldBytes = 0
  let wantedBytes = 0
  const takeRows = (): CsvRow[] => {
    const bytes = Buffer.concat(held)
    const { rows, length } = completeRows(bytes)
    held = [bytes.subarray(length)]
    heldBytes = bytes.length - length
    // A row of many pieces is looked at anew only when twice as much of it has come.
    wantedBytes = rows.length > 0 ? 0 : 2 * heldBytes
    return rows
  }
  for await (const piece of source) {
    held.push(piece)
    heldBytes += piece.length
    if (heldBytes >= wantedBytes) yield* takeRows()
  }
  yield* takeRows()
  // Every row ends with a newline, the last as well.
  if (heldBytes > 0) throw new Error('the rows end within a row')
}

function completeRows(bytes: Buffer): { rows: CsvRow[]; length: number } {
  const rows: CsvRow[] = []
  let row: CsvRow = []
  let length = 0
  for (let at = 0; at < bytes.length;) {
    const field = readField(bytes, at)
    if (field === undefined) break
    row.push(field.value)
    at = field.end + 1
    if (bytes[field.end] === comma) continue
    rows.push(row)
    row = []
    length = at
  }
  return { rows, length }
}

/** `end` is where its comma or newline is; undefined where that has not come yet. */
function readField(
  bytes: Buffer,
  start: number,
): { value: Uint8Array | null; end: number } | undefined {
  if (bytes[start] === quote) return readQuoted(bytes, start + 1)
  let end = start
  while (end < bytes.length && bytes[end] !== comma && bytes[end] !== newline) end++
  if (end === bytes.length) return undefined
  return { value: end === start ? null : bytes.subarray(start, end), end }
}

function readQuoted(bytes: Buffer, start: number): { value: Uint8Array; end: number } | undefined {
  const parts: Buffer[] = []
  for (let from = start; ;) {
    const at = bytes.indexOf(quote, from)
    if (at < 0 || at + 1 === bytes.length) return undefined
    const isDoubled = bytes[at + 1] === quote
    parts.push(bytes.subarray(from, isDoubled ? at + 1 : at))
    if (!isDoubled) {
      const [only] = parts
      return { value: parts.length === 1 && only ? only : Buffer.concat(parts), end: at + 1 }
    }
    from = at + 2
  }
}

/** One row as `COPY … FROM STDIN (FORMAT csv)` reads it, its newline included. */
export function renderCsvRow(row: CsvRow): Buffer {
  const parts: Uint8Array[] = []
  for (const [at, field] of row.entries()) {
    if (at > 0) parts.push(marks.comma)
    if (field !== null) parts.push(marks.quote, escapeQuotes(field), marks.quote)
  }
  parts.push(marks.newline)
  return Buffer.concat(parts)
}

const marks = {
  quote: Buffer.from([quote]),
  comma: Buffer.from([comma]),
  newline: Buffer.from([newline]),
}

function escapeQuotes(field: Uint8Array): Uint8Array {
  if (!field.includes(quote)) return field
  // Latin 1 is bytes as they are.
  return Buffer.from(Buffer.from(field).toString('latin1').replaceAll('"', '""'), 'latin1')
}

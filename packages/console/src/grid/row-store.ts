import type { GridColumn, GridSource } from './grid-source.ts'

type Rows = ReadonlyArray<ReadonlyArray<string | null>>

/**
 * Values of one column, one after another in one string. A string each would cost three times as much,
 * and a garbage collection that looks at millions of them.
 */
interface PackedColumn {
  text: string
  /** Where each value ends; where it is NULL, the complement of that, which is negative. */
  ends: Int32Array
}

interface Batch {
  firstRow: number
  rowCount: number
  columns: PackedColumn[]
}

/** How often the grid hears of more rows: it cannot be read faster. */
const notifyMs = 100

/** Rows that come in batches, kept by columns, of which only what is asked for becomes a string again. */
export class RowStore implements GridSource {
  readonly columns: readonly GridColumn[]
  readonly #batches: Batch[] = []
  readonly #listeners = new Set<() => void>()
  #rowCount = 0
  #bytes = 0
  #version = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(columns: readonly GridColumn[]) {
    this.columns = columns
  }

  get rowCount(): number {
    return this.#rowCount
  }

  /** About what they occupy: a byte for each character, and what says where values end. */
  get bytes(): number {
    return this.#bytes
  }

  append(rows: Rows): void {
    const columns = this.columns.map((_, column) => pack(rows, column))
    this.#batches.push({ firstRow: this.#rowCount, rowCount: rows.length, columns })
    this.#rowCount += rows.length
    for (const { text, ends } of columns) this.#bytes += text.length + ends.byteLength
    this.#timer ??= setTimeout(this.flush, notifyMs)
  }

  /** Tells at once what has come since it was last told. */
  readonly flush = (): void => {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#version += 1
    for (const listener of this.#listeners) listener()
  }

  cell(row: number, column: number): string | null {
    const batch = this.#batchOf(row)
    const packed = batch?.columns[column]
    if (batch === undefined || packed === undefined) return null
    const index = row - batch.firstRow
    const end = packed.ends[index] ?? -1
    if (end < 0) return null
    const before = index === 0 ? 0 : (packed.ends[index - 1] ?? 0)
    return packed.text.slice(before < 0 ? ~before : before, end)
  }

  readonly subscribe = (onChange: () => void): (() => void) => {
    this.#listeners.add(onChange)
    return () => this.#listeners.delete(onChange)
  }

  readonly version = (): number => this.#version

  #batchOf(row: number): Batch | undefined {
    let low = 0
    let high = this.#batches.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((this.#batches[middle]?.firstRow ?? 0) <= row) low = middle
      else high = middle - 1
    }
    const batch = this.#batches[low]
    return batch && row < batch.firstRow + batch.rowCount ? batch : undefined
  }
}

function pack(rows: Rows, column: number): PackedColumn {
  const ends = new Int32Array(rows.length)
  const texts: string[] = []
  let end = 0
  for (const [index, row] of rows.entries()) {
    const value = row[column] ?? null
    if (value === null) {
      ends[index] = ~end
    } else {
      texts.push(value)
      end += value.length
      ends[index] = end
    }
  }
  return { text: texts.join(''), ends }
}

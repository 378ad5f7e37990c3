import type { QueryLine } from '@coppice/api'

type Row = Array<string | null>

/** How much goes into one line, by the number of rows and by the length of their texts. */
const maxRows = 1000
const maxLength = 64 * 1024

/** Rows of one statement on their way into lines. */
export class RowBatch {
  readonly #onLine: (line: QueryLine) => void
  #statement = 0
  #rows: Row[] = []
  #length = 0

  constructor(onLine: (line: QueryLine) => void) {
    this.#onLine = onLine
  }

  add(statement: number, row: Row): void {
    this.#statement = statement
    this.#rows.push(row)
    for (const value of row) this.#length += value?.length ?? 0
    if (this.#rows.length >= maxRows || this.#length >= maxLength) this.flush()
  }

  flush(): void {
    if (this.#rows.length === 0) return
    this.#onLine({ type: 'rows', statement: this.#statement, rows: this.#rows })
    this.#rows = []
    this.#length = 0
  }
}

/** Lines between what brings them and who reads them; says when it holds enough, and when it takes more. */
export class LineQueue<T> implements AsyncIterable<T> {
  readonly #lines: T[] = []
  readonly #onFull: () => void
  readonly #onRoom: () => void
  #wake: (() => void) | undefined
  #end: { error: Error | undefined } | undefined
  #isFull = false

  constructor(gauge: { onFull: () => void; onRoom: () => void }) {
    this.#onFull = gauge.onFull
    this.#onRoom = gauge.onRoom
  }

  push(line: T): void {
    this.#lines.push(line)
    if (!this.#isFull && this.#lines.length >= fullAt) {
      this.#isFull = true
      this.#onFull()
    }
    this.#wake?.()
  }

  /** There is no more; with an error, the reader gets it after what came before. */
  end(error?: Error): void {
    this.#end ??= { error }
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const line = this.#lines.shift()
      if (line !== undefined) {
        if (this.#isFull && this.#lines.length <= roomAt) {
          this.#isFull = false
          this.#onRoom()
        }
        yield line
      } else if (this.#end) {
        if (this.#end.error !== undefined) throw this.#end.error
        return
      } else {
        await new Promise<void>((resolve) => (this.#wake = resolve))
        this.#wake = undefined
      }
    }
  }
}

/** Batches of rows, of some tens of kilobytes each. */
const fullAt = 16
const roomAt = 4

/**
 * Lets so many at a time begin, in the order in which they came. A turn is over when its work is, or after
 * `maxTurnMs`: who takes longer waits for something else than its turn was for, and holds nobody up.
 */
export class Turns {
  readonly #maxTurnMs: number
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(atOnce: number, maxTurnMs: number) {
    this.#free = atOnce
    this.#maxTurnMs = maxTurnMs
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    let isOver = false
    const end = (): void => {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free += 1
    }
    const timer = setTimeout(end, this.#maxTurnMs)
    try {
      return await work()
    } finally {
      end()
    }
  }
}

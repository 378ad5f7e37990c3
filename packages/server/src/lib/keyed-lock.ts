/** Runs work on the same key one after another, on different keys at once. */
export class KeyedLock {
  readonly #tails = new Map<string, Promise<unknown>>()

  /** Whether work on the key goes on, or waits for its turn. */
  isHeld(key: string): boolean {
    return this.#tails.has(key)
  }

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve()
    const mine = before.then(work, work)
    const tail = mine.catch(() => undefined)
    this.#tails.set(key, tail)
    try {
      return await mine
    } finally {
      if (this.#tails.get(key) === tail) this.#tails.delete(key)
    }
  }
}

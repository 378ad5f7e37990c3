import { inTime, late } from './in-time.ts'

/** Lets so many work at once; the others wait for their turn, in order, and no longer than they may. */
export class Turns {
  readonly #atOnce: number
  readonly #waitMs: number
  #atWork = 0
  /** Each is told that its turn has come. */
  readonly #waiting = new Set<() => void>()

  constructor({ atOnce, waitMs }: { atOnce: number; waitMs: number }) {
    this.#atOnce = atOnce
    this.#waitMs = waitMs
  }

  /** What the work answers, or `late` where its turn has not come in time. */
  async run<T>(work: () => Promise<T>): Promise<T | typeof late> {
    if (this.#atWork < this.#atOnce) this.#atWork += 1
    else if (!(await this.#hasCome())) return late
    try {
      return await work()
    } finally {
      this.#pass()
    }
  }

  async #hasCome(): Promise<boolean> {
    let come = (): void => undefined
    const turn = new Promise<void>((resolve) => (come = resolve))
    this.#waiting.add(come)
    // One that has been told in the last moment is not waiting any more, and has its turn.
    return (await inTime(turn, this.#waitMs)) !== late || !this.#waiting.delete(come)
  }

  #pass(): void {
    const [next] = this.#waiting
    if (next === undefined) this.#atWork -= 1
    else {
      this.#waiting.delete(next)
      next()
    }
  }
}

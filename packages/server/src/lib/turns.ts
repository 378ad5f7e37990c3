import { inTime, late } from './in-time.ts'
import { once } from './once.ts'

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

  /** Answers how the turn is given back, or undefined where none has come in time. */
  async take(): Promise<(() => void) | undefined> {
    if (this.#atWork < this.#atOnce) this.#atWork += 1
    else if (!(await this.#hasCome())) return undefined
    return once(() => this.#pass())
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

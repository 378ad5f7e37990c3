import { inTime, late } from './in-time.ts'
import type { Shares } from './shares.ts'

/** Lets as much work at once as there are shares of; the rest waits in order, and no longer than it may. */
export class Turns {
  readonly #shares: Shares
  readonly #waitMs: number
  readonly #waiting = new Set<Waiting>()

  constructor({ shares, waitMs }: { shares: Shares; waitMs: number }) {
    this.#shares = shares
    this.#waitMs = waitMs
  }

  /** What a project's work answers. Throws the refusal where its turn has not come in time. */
  async run<T>(project: string | null, work: () => Promise<T>): Promise<T> {
    const giveBack = this.#shares.tryTake(project) ?? (await this.#toCome(project))
    if (giveBack === undefined) throw this.#shares.refusal(project)
    try {
      return await work()
    } finally {
      giveBack()
      this.#pass()
    }
  }

  async #toCome(project: string | null): Promise<(() => void) | undefined> {
    let come = (_giveBack: () => void): void => undefined
    const turn = new Promise<() => void>((resolve) => (come = resolve))
    const waiting = { project, come: (giveBack: () => void) => come(giveBack) }
    this.#waiting.add(waiting)
    const giveBack = await inTime(turn, this.#waitMs)
    if (giveBack !== late) return giveBack
    // One that has been told in the last moment is not waiting any more, and has its turn.
    return this.#waiting.delete(waiting) ? undefined : turn
  }

  /** One that ends may make room for more than one: the others' shares are larger without it. */
  #pass(): void {
    for (const waiting of this.#waiting) {
      const giveBack = this.#shares.tryTake(waiting.project)
      if (giveBack === undefined) continue
      this.#waiting.delete(waiting)
      waiting.come(giveBack)
    }
  }
}

interface Waiting {
  project: string | null
  come: (giveBack: () => void) => void
}

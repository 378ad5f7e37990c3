import type { ErrorCode } from '@coppice/api/client'

import { AppError } from './errors.ts'

interface SharesOptions {
  /** Of all projects together. */
  max: number
  /** Behind the number, as in `50 queries that may run at once`. */
  what: string
  /** What whoever is refused can do, behind a semicolon. */
  advice: string
  code?: ErrorCode
}

/**
 * A limit of the platform that no project fills: each may have as many as it leaves free, which is half of
 * what the others leave it, and one at least where one is free. What is of no project counts for itself.
 */
export class Shares {
  readonly #options: SharesOptions
  readonly #takenBy = new Map<string, number>()
  #taken = 0

  constructor(options: SharesOptions) {
    this.#options = options
  }

  /** Takes one, and answers what gives it back, to be called once. Throws the refusal. */
  take(project: string | null): () => void {
    const giveBack = this.tryTake(project)
    if (giveBack === undefined) throw this.refusal(project)
    return giveBack
  }

  /** The same; undefined where there is none for the project. */
  tryTake(project: string | null): (() => void) | undefined {
    const isFull = this.#taken >= this.#options.max
    if (isFull || (project !== null && this.#hasItsShare(project))) return undefined
    this.#count(project, 1)
    return () => this.#count(project, -1)
  }

  /** Says whose limit it is. */
  refusal(project: string | null): AppError {
    const { max, what, advice, code = 'too_many_requests' } = this.#options
    const own = project === null ? 0 : this.#heldBy(project)
    // Who has none of its own is kept waiting by others.
    if (project === null || own === 0 || this.#taken >= max) {
      return new AppError(code, `all of the ${max} ${what} are taken; ${advice}`)
    }
    return new AppError(
      code,
      `project ${project} has ${own} of the ${max} ${what}, and the rest is kept for other projects; ${advice}`,
    )
  }

  #hasItsShare(project: string): boolean {
    return this.#heldBy(project) >= this.#options.max - this.#taken
  }

  #heldBy(project: string): number {
    return this.#takenBy.get(project) ?? 0
  }

  #count(project: string | null, change: 1 | -1): void {
    this.#taken += change
    if (project === null) return
    const held = this.#heldBy(project) + change
    if (held === 0) this.#takenBy.delete(project)
    else this.#takenBy.set(project, held)
  }
}

import { AppError } from '../../lib/errors.ts'

/** A person mistypes a few times; a program that guesses gets some thousand tries a day. */
const maxFailures = 10
const windowMs = 5 * 60_000
/** Beyond that the oldest are forgotten: memory has a bound whoever asks. */
const maxAddresses = 10_000

/** Counts failed sign-ins of each address and refuses more for a while. */
export class SignInAttempts {
  readonly #failures = new Map<string, number[]>()
  readonly #now: () => number

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  /** Throws `too_many_requests` where the address has to wait. Counts this attempt until it `succeeded`. */
  begin(address: string): void {
    const now = this.#now()
    const recent = (this.#failures.get(address) ?? []).filter((at) => at > now - windowMs)
    if (recent.length >= maxFailures) {
      throw new AppError(
        'too_many_requests',
        'too many sign-ins have failed; wait five minutes, or run `coppice console` on the machine',
      )
    }
    this.#failures.delete(address)
    this.#failures.set(address, [...recent, now])
    const [oldest] = this.#failures.keys()
    if (this.#failures.size > maxAddresses && oldest !== undefined) this.#failures.delete(oldest)
  }

  succeeded(address: string): void {
    this.#failures.delete(address)
  }
}

import { describeError } from '../lib/errors.ts'
import { inTime, late } from '../lib/in-time.ts'
import type { Logger } from '../lib/log.ts'

/** Undoes a start; computes only unless they are kept. */
type Stop = (keepComputes: boolean) => Promise<unknown>

interface Part {
  name: string
  stop: Stop
  deadlineMs: number
}

/** Enough for what writes its last words to the store. */
const defaultDeadlineMs = 10_000

/** The parts of a platform that have been started, to be stopped in reverse order. */
export class Parts {
  readonly #started: Part[] = []
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  add(name: string, stop: Stop, { deadlineMs = defaultDeadlineMs } = {}): void {
    this.#started.push({ name, stop, deadlineMs })
  }

  /**
   * Stops the newest first. One that fails, or that waits for what does not answer beyond its deadline, is
   * left behind. Answers whether all have stopped. May be called twice. Never rejects.
   */
  async stop(keepComputes: boolean): Promise<boolean> {
    let isWhole = true
    for (const { name, stop, deadlineMs } of this.#started.splice(0).toReversed()) {
      try {
        if ((await inTime(stop(keepComputes), deadlineMs)) !== late) continue
        this.#log.error({ part: name, seconds: deadlineMs / 1000 }, 'a part did not stop in time')
      } catch (error) {
        this.#log.error({ part: name, error: describeError(error) }, 'a part did not stop cleanly')
      }
      isWhole = false
    }
    return isWhole
  }
}

import type { WorkLine } from '@coppice/api'
import { AdvisedError } from '@coppice/migrate/advised-error'
import type { Observer } from '@coppice/migrate/observer'

import { AppError } from '../../lib/errors.ts'
import { Shares } from '../../lib/shares.ts'
import { LineQueue } from '../query/line-queue.ts'

/** Proxies and clients give up what is silent for minutes. */
const aliveEveryMs = 15_000

/** Work that goes on while its caller reads what it tells, of which there may be so much at a time. */
export class Works {
  /** Each holds a branch and sessions. */
  readonly #shares = new Shares({
    max: 8,
    what: 'rehearsals, merges and the like that may be at work at once',
    advice: 'try again when one is done',
  })

  /**
   * Begins a project's `work` and answers what it tells its observer, then its result. Aborting `signal` calls
   * the work off: what it has made is removed before the lines end. Throws `too_many_requests` at once.
   */
  run<T>(
    project: string,
    signal: AbortSignal,
    work: (observer: Observer) => Promise<T>,
  ): AsyncGenerator<WorkLine | T> {
    const giveBack = this.#shares.take(project)
    const lines = new LineQueue<WorkLine>({ onFull: () => undefined, onRoom: () => undefined })
    const tell: Tell = (type, message) => lines.push({ type, message })
    const alive = setInterval(() => tell('alive', 'still at work'), aliveEveryMs)
    const result = explained(async () => work(observerOf(signal, tell))).finally(() => {
      giveBack()
      clearInterval(alive)
      lines.end()
    })
    // Awaited below, unless the reader has gone: then a work that fails must not end the process.
    result.catch(() => undefined)
    return read(lines, result, signal)
  }
}

async function* read<T>(
  lines: AsyncIterable<WorkLine>,
  result: Promise<T>,
  signal: AbortSignal,
): AsyncGenerator<WorkLine | T> {
  yield* lines
  try {
    yield await result
  } catch (error) {
    // Nobody is there to be told, and that it was called off is no fault.
    if (!signal.aborted) throw error
  }
}

type Tell = (type: WorkLine['type'], message: string) => void

/** What the engine refuses is the caller's to read: with what to do about it, in one message. */
export async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof AdvisedError)) throw error
    const { message, advice, cause } = error
    const code = cause instanceof AppError ? cause.code : 'migration_failed'
    throw new AppError(code, advice === undefined ? message : `${message}\n${advice}`, {
      cause: error,
    })
  }
}

function observerOf(signal: AbortSignal, tell: Tell): Observer {
  return {
    note: (text) => tell('note', text),
    progress: (text) => tell('progress', text),
    onCancel(cancel) {
      if (signal.aborted) cancel()
      else signal.addEventListener('abort', cancel, { once: true })
      return () => signal.removeEventListener('abort', cancel)
    },
  }
}

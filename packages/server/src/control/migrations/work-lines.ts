import type { WorkLine } from '@coppice/api'
import { AdvisedError } from '@coppice/migrate/advised-error'
import type { Observer } from '@coppice/migrate/observer'

import { AppError } from '../../lib/errors.ts'

/** Each holds a branch and sessions. */
const worksMax = 8
/** Proxies and clients give up what is silent for minutes. */
const aliveEveryMs = 15_000

let atWork = 0

/**
 * Runs `work` and answers what it tells its observer, then its result. Aborting `signal` calls the work off:
 * what it has made is removed before the lines end. Rejects with `too_many_requests` at once.
 */
export function workInLines<T>(
  signal: AbortSignal,
  work: (observer: Observer) => Promise<T>,
): AsyncGenerator<WorkLine | T> {
  if (atWork >= worksMax) {
    throw new AppError(
      'too_many_requests',
      `${worksMax} rehearsals, merges and the like are at work already; try again when one is done`,
    )
  }
  return run(signal, work)
}

async function* run<T>(
  signal: AbortSignal,
  work: (observer: Observer) => Promise<T>,
): AsyncGenerator<WorkLine | T> {
  atWork += 1
  const lines: WorkLine[] = []
  let wake = () => undefined as void
  const tell = (type: WorkLine['type'], message: string) => {
    lines.push({ type, message })
    wake()
  }
  const alive = setInterval(() => tell('alive', 'still at work'), aliveEveryMs)
  let isOver = false
  const done = explained(async () => work(observerOf(signal, tell))).finally(() => {
    atWork -= 1
    clearInterval(alive)
    isOver = true
    wake()
  })
  // Awaited below; until then a work that fails must not end the process.
  done.catch(() => undefined)
  for (;;) {
    yield* lines.splice(0)
    if (isOver) break
    await new Promise<void>((resolve) => {
      wake = resolve
    })
  }
  yield await done
}

/** What the engine refuses is the caller's to read: with what to do about it, in one message. */
export async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof AdvisedError)) throw error
    const inner = error.cause
    if (inner instanceof AppError) throw inner
    const message = error.advice === undefined ? error.message : `${error.message}\n${error.advice}`
    throw new AppError('migration_failed', message, { cause: error })
  }
}

function observerOf(
  signal: AbortSignal,
  tell: (type: WorkLine['type'], message: string) => void,
): Observer {
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

import { setTimeout as delay } from 'node:timers/promises'

/**
 * The promise's outcome, or the signal's reason if that comes first. The work itself goes on: this
 * is for waits that others share, such as a compute's start.
 */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  // Handled here as well, so that a rejection after an abort is nobody's surprise.
  promise.catch(() => undefined)
  signal.throwIfAborted()
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort)
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/** Resolves after the time has passed, rejects with the signal's reason if that comes first. */
export async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  await delay(durationMs, undefined, { signal }).catch(() => signal.throwIfAborted())
}

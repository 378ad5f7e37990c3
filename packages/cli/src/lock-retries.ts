import { setTimeout as delay } from 'node:timers/promises'

import { CliError } from './errors.ts'

export const lockTriesMax = 20
const firstBackoffMs = 50
const backoffMaxMs = 5000
/** lock_not_available, deadlock_detected, serialization_failure. */
const retriable = new Set(['55P03', '40P01', '40001'])

/** Whether the locks of others were in the way, so that another try may do. */
export function isLockFailure(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && retriable.has(String(error.code))
}

/** Longer from try to try, and never at the same time as others who were in each other's way. */
export async function backOff(tries: number): Promise<void> {
  await delay(Math.min(backoffMaxMs, firstBackoffMs * 2 ** tries) * (0.5 + Math.random() / 2))
}

/**
 * Tries until it gets its locks. Rather than queue for a long time, where all who come later would queue
 * behind, the session has a lock_timeout.
 */
export async function withLockRetries<T>(what: string, work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (!isLockFailure(error)) throw error
      if (tries >= lockTriesMax) {
        throw new CliError(`${what} failed ${tries} times: ${error.message}`, {
          advice:
            '`coppice inspect db locks` shows who holds the table. The same command goes on from here.',
          cause: error,
        })
      }
      await backOff(tries)
    }
  }
}

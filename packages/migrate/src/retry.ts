import { setTimeout as delay } from 'node:timers/promises'

import { AdvisedError } from './advised-error.ts'
import type { Blocker } from './blockers.ts'
import type { Observer } from './observer.ts'
import { stateOf } from './session.ts'

/** How often what could not have its locks is tried again. */
export interface Retries {
  max: number
  lockTimeoutMs: number
}

/** `lock_not_available` and `deadlock_detected`: nothing is wrong with the statement. */
const transientStates = ['55P03', '40P01']
const firstDelayMs = 500
const maxDelayMs = 10_000

/**
 * Repeats `attempt` while others hold the locks that it wants. Between two it holds none itself, so that those
 * who queued up behind it get on.
 */
export async function retryLocked<T>(
  observer: Observer,
  { max, lockTimeoutMs }: Retries,
  what: string,
  blockers: () => readonly Blocker[],
  attempt: () => Promise<T>,
): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await attempt()
    } catch (error) {
      const state = stateOf(error)
      if (state === undefined || !transientStates.includes(state)) throw error
      const why =
        state === '40P01' ? 'ran into a deadlock' : `did not get its locks in ${lockTimeoutMs} ms`
      const who = describeBlockers(blockers())
      if (tries >= max) {
        throw new AdvisedError(`${what} ${why}, ${tries + 1} times.${who}`, {
          advice:
            'Nothing of it has been applied. End what blocks it, or wait longer with --lock-timeout and\n' +
            '--retries. Sessions: coppice inspect db locks',
          cause: error,
        })
      }
      const waitMs = Math.min(maxDelayMs, firstDelayMs * 2 ** tries)
      observer.note(
        `${what} ${why}.${who} Trying again in ${waitMs / 1000} s (${tries + 1} of ${max}).`,
      )
      await delay(waitMs)
    }
  }
}

function describeBlockers(blockers: readonly Blocker[]): string {
  if (blockers.length === 0) return ''
  const each = blockers.map(({ pid, about }) => `process ${pid} (${about})`)
  return ` It waited for ${each.join(' and ')}.`
}

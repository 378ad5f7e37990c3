import { setTimeout as delay } from 'node:timers/promises'

import { ApiError } from '@coppice/api/client'

/** All of these ask for it: another change of the project runs, too many requests, no store. */
const transient = new Set([423, 429, 503])
const deadlineMs = 120_000
const firstPauseMs = 50
const longestPauseMs = 1000

/** Calls again what the API asks to repeat, as when several files make their branches at once. */
export async function patiently<T>(call: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + deadlineMs
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    try {
      return await call()
    } catch (error) {
      const isTransient = error instanceof ApiError && transient.has(error.status)
      if (!isTransient || performance.now() > deadline) throw error
    }
    // Jitter, so that those who were refused together do not come together again.
    await delay(pauseMs * (0.5 + Math.random()))
  }
}

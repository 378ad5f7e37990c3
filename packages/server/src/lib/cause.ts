/**
 * On whose behalf something is done, carried along with the work itself: a compute that wakes deep inside
 * a change of roles is told neither of the API's call nor of the job that asked for it, and dozens of
 * functions lie in between. The outermost cause counts, for it is what a person would call the reason.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

/** Stored and shown as it is. */
export interface Cause {
  /** In words for people: `client`, `API`, `idle`. */
  reason: string
  /** More exactly: the route, the job, the statement. */
  detail?: string
  role?: string
  database?: string
  application_name?: string
  client_address?: string
  /** How a client has come. */
  via?: 'direct' | 'pooled' | 'http'
}

const current = new AsyncLocalStorage<Cause>()

/** Runs the work with this cause, whatever the cause around it. */
export function withCause<T>(cause: Cause, work: () => T): T {
  return current.run(cause, work)
}

/** The same, unless there is a cause around it already. */
export function withCauseUnlessKnown<T>(cause: Cause, work: () => T): T {
  return currentCause() === undefined ? withCause(cause, work) : work()
}

export const currentCause = (): Cause | undefined => current.getStore()

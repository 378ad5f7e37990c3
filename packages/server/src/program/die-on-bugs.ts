import { describeError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'

/** A bug may have left anything behind in memory. Computes run on and are adopted by the next start. */
export function dieOnBugs(log: Logger): void {
  const die = (error: unknown): void => {
    if (isLostWrite(error))
      return log.warn({ error: describeError(error) }, 'a connection was lost')
    log.fatal(
      { error: describeError(error), stack: error instanceof Error ? error.stack : undefined },
      'stopped by an unexpected error',
    )
    process.exit(70)
  }
  process.on('uncaughtException', die)
  process.on('unhandledRejection', die)
}

/**
 * Of postgres.js, which rolls a transaction back on a connection that is gone (porsager/postgres#1133):
 * whoever waits for the transaction has been told of that, and nothing else is behind it.
 */
function isLostWrite(error: unknown): boolean {
  if (!(error instanceof TypeError)) return false
  return (
    error.message.includes("of null (reading 'write')") && /\bnextWrite\b/.test(error.stack ?? '')
  )
}

import { setTimeout as delay } from 'node:timers/promises'

import type { Sql } from 'postgres'

import { superuserName } from './access-files.ts'

const endDeadlineMs = 5_000
const endRetryMs = 3

/**
 * Ends all sessions of clients and waits until they are gone; a session in the middle of something
 * notices at its next interruption. Gives up after a deadline: the shutdown that follows ends them too.
 */
export async function endClientSessions(sql: Sql): Promise<void> {
  const deadline = performance.now() + endDeadlineMs
  for (;;) {
    const ended = await sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where backend_type in ('client backend', 'walsender') and usename <> ${superuserName}`
    if (ended.length === 0 || performance.now() > deadline) return
    await delay(endRetryMs)
  }
}

import { setTimeout as delay } from 'node:timers/promises'

import { type Database, lookingSession, type Sql } from './database.ts'

/** Somebody whose locks a session waits for. */
export interface Blocker {
  pid: string
  /** `psql of neondb_owner, idle in transaction for 40 s`. */
  about: string
}

const lookEveryMs = 200

/** Runs `work` while another session looks who blocks `pid`; answers those last seen by `last()`. */
export async function watchBlockers<T>(
  database: Database,
  pid: string,
  work: (last: () => readonly Blocker[]) => Promise<T>,
): Promise<T> {
  let seen: readonly Blocker[] = []
  let isOver = false
  const watch = async (sql: Sql) => {
    while (!isOver) {
      const now = await readBlockers(sql, pid)
      if (now.length > 0) seen = now
      await delay(lookEveryMs)
    }
  }
  // Who it was is good to know; that it cannot be told must not stop the migration.
  const watching = database.open(watch, lookingSession).catch(() => undefined)
  try {
    return await work(() => seen)
  } finally {
    isOver = true
    await watching
  }
}

async function readBlockers(sql: Sql, pid: string): Promise<Blocker[]> {
  return sql<Blocker[]>`
    select pid, concat_ws(' of ', nullif(application_name, ''), usename) || ', ' ||
      coalesce(state, 'at work') || coalesce(' for ' ||
        round(extract(epoch from clock_timestamp() - coalesce(state_change, xact_start))) || ' s', '') as about
    from pg_stat_activity
    where pid = any (pg_blocking_pids(${pid}::text::int))`
}

import { setTimeout as delay } from 'node:timers/promises'

import { type Database, lookingSession, type Sql } from './database.ts'
import type { HeldLock } from './reading.ts'

/** A lock that another session was seen to hold, in milliseconds of `performance.now()`. */
export interface Sighting extends HeldLock {
  firstMs: number
  lastMs: number
}

const sampleEveryMs = 10

/** Looks again and again which locks on relations a session holds: while its statement runs it cannot say. */
export interface LockSampler {
  /** What has been seen since the last call. */
  take(): Sighting[]
}

/** Runs `work` while the locks of `pid` are sampled from a session of its own. */
export async function sampleLocks<T>(
  database: Database,
  pid: string,
  work: (sampler: LockSampler) => Promise<T>,
): Promise<T> {
  return database.open(async (sql) => {
    let seen = new Map<string, Sighting>()
    let isOver = false
    const sampling = (async () => {
      while (!isOver) {
        for (const lock of await readLocks(sql, pid)) note(seen, lock)
        await delay(sampleEveryMs)
      }
    })()
    // Awaited below; until then one that fails, as when its branch goes, must not end the process.
    sampling.catch(() => undefined)
    try {
      return await work({
        take() {
          const taken = [...seen.values()]
          seen = new Map()
          return taken
        },
      })
    } finally {
      isOver = true
      // What has not been seen is reckoned from when the statement began.
      await sampling.catch(() => undefined)
    }
  }, lookingSession)
}

function note(seen: Map<string, Sighting>, { oid, mode }: HeldLock): void {
  const nowMs = performance.now()
  const key = `${oid} ${mode}`
  const known = seen.get(key)
  if (known) known.lastMs = nowMs
  else seen.set(key, { oid, mode, firstMs: nowMs, lastMs: nowMs })
}

async function readLocks(sql: Sql, pid: string): Promise<HeldLock[]> {
  return sql<HeldLock[]>`
    select relation::bigint as oid, mode from pg_locks
    where pid = ${pid}::text::int and locktype = 'relation' and granted
      and database = (select oid from pg_database where datname = current_database())`
}

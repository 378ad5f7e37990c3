import { setTimeout as delay } from 'node:timers/promises'

import type { Sql } from '@coppice/migrate/database'

import { CliError } from '../errors.ts'
import type { Relation } from '../relation.ts'

/** What a backfill should wait for, as another session sees it. */
interface Pressure {
  /** Sessions that want a lock on the table, as an ALTER TABLE does. */
  waiting: number
  /** Bytes of WAL that the slowest replica has not replayed; undefined without one. */
  lagBytes: number | undefined
}

const pollMs = 200
/** A batch that is shorter than this blocks nobody for long. */
const sampleMs = 50
/** After this, somebody should look. */
const waitMaxMs = 30 * 60_000

async function readPressure(sql: Sql, relation: Relation): Promise<Pressure> {
  const [row] = await sql<Array<{ waiting: string; lag: string | null }>>`
    select
      (select count(*) from pg_locks
       where not granted and locktype = 'relation' and relation = ${relation.oid}::text::oid
         and database = (select oid from pg_database where datname = current_database()))::text
        as waiting,
      (select max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn))
       from pg_stat_replication)::text as lag`
  return {
    waiting: Number(row?.waiting),
    lagBytes: typeof row?.lag === 'string' ? Number(row.lag) : undefined,
  }
}

/** Waits until nobody queues for the table and replicas have caught up; answers the time, in ms. */
export async function waitForOthers(
  sql: Sql,
  relation: Relation,
  { maxLagBytes, onWait }: { maxLagBytes: number; onWait: (reason: string) => void },
): Promise<number> {
  const start = performance.now()
  for (;;) {
    const { waiting, lagBytes } = await readPressure(sql, relation)
    const lags = lagBytes !== undefined && lagBytes > maxLagBytes
    const elapsed = performance.now() - start
    if (waiting === 0 && !lags) return elapsed
    const reason = lags ? `a replica that is ${lagBytes} bytes behind` : 'others who want the table'
    if (elapsed > waitMaxMs) {
      throw new CliError(`Gave up waiting for ${reason}.`, {
        advice:
          '`coppice inspect db locks` shows who waits for whom. The same command goes on from here.',
      })
    }
    onWait(reason)
    await delay(pollMs)
  }
}

/** Watches, while `work` runs, whether other sessions wait for locks that session `pid` holds. */
export async function watchBlocked<T>(
  sql: Sql,
  pid: string,
  work: () => Promise<T>,
): Promise<{ result: T; blocked: boolean }> {
  const stop = new AbortController()
  const watching = sample(sql, pid, stop.signal)
  try {
    const result = await work()
    stop.abort()
    return { result, blocked: await watching }
  } finally {
    stop.abort()
    await watching
  }
}

async function sample(sql: Sql, pid: string, signal: AbortSignal): Promise<boolean> {
  for (;;) {
    await delay(sampleMs, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return false
    const [row] = await sql`
      select exists (
        select from (select distinct pid from pg_locks where not granted) waiter
        where ${pid}::text::int = any (pg_blocking_pids(waiter.pid))
      ) as blocked`
    if (row?.['blocked'] === 't') return true
  }
}

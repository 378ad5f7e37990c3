/** What the page of queries asks PostgreSQL, 14 to 18, as a role that may see everybody's statements. */
import { diagnosticMark, findExtension } from '@coppice/api/client'

import type { ResultRow, StatementResult } from '../../api/quiet-query.ts'

/** The platform's own sessions are nobody's business: they look, and end. */
const platformRole = `'cloud_admin'`

const numberOf = (row: ResultRow, name: string): number => Number(row[name] ?? 0)
const optionalNumber = (row: ResultRow, name: string): number | undefined =>
  row[name] === null || row[name] === undefined ? undefined : Number(row[name])

/** A statement as pg_stat_statements has counted it. Times in ms. */
export interface CountedStatement {
  id: string
  query: string
  role: string
  calls: number
  totalMs: number
  meanMs: number
  minMs: number
  maxMs: number
  deviationMs: number
  rows: number
  blocksHit: number
  blocksRead: number
  blocksWritten: number
  tempBlocks: number
  walBytes: number
}

export interface Statements {
  since: string | undefined
  statements: CountedStatement[]
}

/** All that is counted: the server keeps a thousand. For a database that has the extension. */
export const statementsSql = `${findExtension('pg_stat_statements')};
  select to_json(stats_reset) #>> '{}' as since from pg_stat_statements_info ${diagnosticMark};
  select coalesce(queryid, 0) || ' ' || userid || ' ' || toplevel as id, left(query, 20000) as query,
    coalesce(rolname, userid::text) as role, calls, total_exec_time, mean_exec_time, min_exec_time,
    max_exec_time, stddev_exec_time, rows, shared_blks_hit, shared_blks_read,
    shared_blks_written, temp_blks_read + temp_blks_written as temp_blks, wal_bytes
  from pg_stat_statements
  left join pg_roles on pg_roles.oid = userid
  where dbid = (select oid from pg_database where datname = current_database())
    and query not like '%/* coppice%' and rolname is distinct from ${platformRole}
  order by total_exec_time desc
  limit 1000 ${diagnosticMark}`

export const resetStatementsSql = `${findExtension('pg_stat_statements')};
  select pg_stat_statements_reset() ${diagnosticMark}`

export function readStatements([, info, statements]: StatementResult[]): Statements {
  return {
    since: info?.rows[0]?.['since'] ?? undefined,
    statements: (statements?.rows ?? []).map((row) => ({
      id: row['id'] ?? '',
      query: row['query'] ?? '',
      role: row['role'] ?? '',
      calls: numberOf(row, 'calls'),
      totalMs: numberOf(row, 'total_exec_time'),
      meanMs: numberOf(row, 'mean_exec_time'),
      minMs: numberOf(row, 'min_exec_time'),
      maxMs: numberOf(row, 'max_exec_time'),
      deviationMs: numberOf(row, 'stddev_exec_time'),
      rows: numberOf(row, 'rows'),
      blocksHit: numberOf(row, 'shared_blks_hit'),
      blocksRead: numberOf(row, 'shared_blks_read'),
      blocksWritten: numberOf(row, 'shared_blks_written'),
      tempBlocks: numberOf(row, 'temp_blks'),
      walBytes: numberOf(row, 'wal_bytes'),
    })),
  }
}

/** A session of a client. Times in seconds. */
export interface Session {
  pid: number
  role: string
  database: string
  application: string
  state: string
  /** `Lock: transactionid`, while it waits within a query. */
  wait: string | undefined
  /** Of the query that runs, or of the state that it is in. */
  seconds: number
  transactionSeconds: number | undefined
  query: string
}

/** In order: who works, longest first; who holds a transaction; the others. */
export const sessionsSql = `
  select pid, coalesce(usename, '') as role, coalesce(datname, '') as database, application_name,
    coalesce(state, '') as state,
    case when state = 'active' and wait_event is not null
      then wait_event_type || ': ' || wait_event end as wait,
    extract(epoch from clock_timestamp() -
      case when state = 'active' then query_start else coalesce(state_change, backend_start) end)
      as seconds,
    extract(epoch from clock_timestamp() - xact_start) as transaction_seconds,
    left(query, 10000) as query
  from pg_stat_activity
  where backend_type = 'client backend' and pid <> pg_backend_pid()
    and usename is distinct from ${platformRole}
  order by case when state = 'active' then 0 when state like 'idle in%' then 1 else 2 end,
    coalesce(xact_start, state_change), pid
  limit 1000 ${diagnosticMark}`

export const readSessions = ([result]: StatementResult[]): Session[] =>
  (result?.rows ?? []).map(readSession)

function readSession(row: ResultRow): Session {
  return {
    pid: numberOf(row, 'pid'),
    role: row['role'] ?? '',
    database: row['database'] ?? '',
    application: row['application_name'] ?? '',
    state: row['state'] ?? '',
    wait: row['wait'] ?? undefined,
    seconds: Math.max(0, numberOf(row, 'seconds')),
    transactionSeconds: optionalNumber(row, 'transaction_seconds'),
    query: row['query'] ?? '',
  }
}

/** A session that waits for a lock, or that somebody waits for. */
export interface LockParty extends Session {
  /** Whom it waits for; 0 is a prepared transaction, which has no session. */
  waitsFor: number[]
  /** What it waits for: the mode, the kind of thing, and the relation where it is one of this database. */
  wanted: { mode: string; kind: string; relation: string | undefined } | undefined
  waitedSeconds: number | undefined
  /** Its locks on what others wait for: `AccessExclusiveLock on orders`. */
  holds: string[]
}

/** Who waits for a row has a lock on its place in the table, which tells the table. */
export const locksSql = `
  with waiting as (
    select pid, pg_blocking_pids(pid) as blockers
    from pg_stat_activity where wait_event_type = 'Lock'
  ), parties as (
    select pid from waiting union select unnest(blockers) from waiting
  ), wanted as (
    select distinct on (l.pid) l.pid, l.mode, l.locktype, l.waitstart, l.transactionid,
      coalesce(l.relation, place.relation) as relation
    from pg_locks l
    left join pg_locks place
      on place.pid = l.pid and place.locktype = 'tuple' and l.locktype = 'transactionid'
    where not l.granted
  )
  select p.pid, coalesce(usename, '') as role, coalesce(datname, '') as database, application_name,
    coalesce(state, '') as state,
    case when state = 'active' and wait_event is not null
      then wait_event_type || ': ' || wait_event end as wait,
    extract(epoch from clock_timestamp() -
      case when state = 'active' then query_start else state_change end) as seconds,
    extract(epoch from clock_timestamp() - xact_start) as transaction_seconds,
    left(query, 10000) as query,
    array_to_string(blockers, ',') as waits_for,
    wanted.mode, wanted.locktype as kind,
    (select oid::regclass::text from pg_class where oid = wanted.relation) as relation,
    extract(epoch from clock_timestamp() - wanted.waitstart) as waited,
    (select string_agg(distinct held.mode || ' on ' || oid::regclass::text, ', ')
      from pg_locks held join pg_class on pg_class.oid = held.relation
      where held.pid = p.pid and held.granted and held.locktype = 'relation'
        and held.relation in (select relation from wanted)) as holds
  from parties p
  left join pg_stat_activity a on a.pid = p.pid
  left join waiting on waiting.pid = p.pid
  left join wanted on wanted.pid = p.pid
  order by xact_start nulls first, p.pid ${diagnosticMark}`

export const readLocks = ([result]: StatementResult[]): LockParty[] =>
  (result?.rows ?? []).map((row) => ({
    ...readSession(row),
    waitsFor: (row['waits_for'] ?? '')
      .split(',')
      .filter((pid) => pid !== '')
      .map(Number),
    wanted:
      row['mode'] === null || row['mode'] === undefined
        ? undefined
        : { mode: row['mode'], kind: row['kind'] ?? '', relation: row['relation'] ?? undefined },
    waitedSeconds: optionalNumber(row, 'waited'),
    holds: (row['holds'] ?? '').split(', ').filter((lock) => lock !== ''),
  }))

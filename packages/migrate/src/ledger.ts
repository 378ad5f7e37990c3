import { checksumOf, type Migration } from './migration.ts'
import type { Session } from './session.ts'

/** A migration that has run, or has begun to. */
export interface Entry {
  name: string
  checksum: string
  started_at: string
  /** Null while it is not done. */
  applied_at: string | null
  applied_by: string
  duration_ms: string | null
  statements: string
  statements_done: string
  /** Of the texts of the statements that are done. */
  done_checksum: string
  restore_point_id: string | null
}

/** Where the branch was before an apply, and what had been counted there. */
export interface RestorePoint {
  id: string
  taken_at: string
  lsn: string
  snapshot_id: string | null
  expires_at: string | null
  /** The transaction id that was to be given next. */
  next_xid: string
  /** By the table's OID. */
  counters: TableCounters
}

/** Rows that a table has had inserted, updated and deleted, by its OID. */
export type TableCounters = Record<string, { name: string; rows: number }>

/** Everything of the ledger; `create` may run again and again. */
const create = `
  create schema if not exists coppice;
  create table if not exists coppice.restore_points (
    id bigint generated always as identity primary key,
    taken_at timestamptz not null default clock_timestamp(),
    lsn pg_lsn not null,
    snapshot_id text,
    expires_at timestamptz,
    next_xid text not null,
    counters jsonb not null,
    own_rows jsonb not null default '{}',
    own_transactions bigint not null default 1
  );
  create table if not exists coppice.migrations (
    name text primary key,
    checksum text not null,
    started_at timestamptz not null default clock_timestamp(),
    applied_at timestamptz,
    applied_by text not null default session_user,
    duration_ms bigint,
    statements integer not null,
    statements_done integer not null,
    done_checksum text not null,
    restore_point_id bigint references coppice.restore_points
  )`

/** Two appliers of one database exclude each other by it. */
const lockKey = `hashtextextended('coppice.migrations', 0)`

/** Whether the database has a ledger. */
export async function hasLedger({ sql }: Session): Promise<boolean> {
  const [found] = await sql`select 1 from pg_class where oid = to_regclass('coppice.migrations')`
  return found !== undefined
}

/** Makes the ledger where there is none. */
export async function createLedger(session: Session): Promise<void> {
  if (!(await hasLedger(session))) await session.sql.unsafe(create)
}

/** What has run, in the order in which it did. */
export async function readLedger(session: Session): Promise<Entry[]> {
  if (!(await hasLedger(session))) return []
  return session.sql<Entry[]>`
    select name, checksum, started_at, applied_at, applied_by, duration_ms, statements,
      statements_done, done_checksum, restore_point_id
    from coppice.migrations order by started_at, name`
}

/** Whether this session is the applier from now until it ends. */
export async function tryLockLedger({ sql }: Session): Promise<boolean> {
  const [answer] = await sql.unsafe<Array<{ locked: string }>>(
    `select pg_try_advisory_lock(${lockKey}) as locked`,
  )
  return answer?.locked === 't'
}

/** Who holds the lock: a process and what is known of it. */
export async function lockHolder({ sql }: Session): Promise<string | undefined> {
  const [holder] = await sql.unsafe<Array<{ holder: string }>>(`
    select format('process %s of %s, since %s', pid, usename, to_char(backend_start at time zone 'UTC', 'HH24:MI:SS "UTC"')) as holder
    from pg_locks join pg_stat_activity using (pid)
    where locktype = 'advisory' and pg_locks.granted and pg_locks.database = datid
      and (classid::bigint << 32) + objid::bigint = ${lockKey}`)
  return holder?.holder
}

interface Progress {
  migration: Migration
  done: number
  startedMs: number
  restorePointId: string | undefined
}

/** Notes how far a migration is; with its last statement it is applied. */
export async function recordProgress(
  { sql }: Session,
  { migration, done, startedMs, restorePointId }: Progress,
): Promise<void> {
  const { name, checksum, statements } = migration
  const durationMs = Math.round(performance.now() - startedMs)
  const isDone = done === statements.length
  await sql`
    insert into coppice.migrations
      (name, checksum, statements, statements_done, done_checksum, restore_point_id, started_at,
        applied_at, duration_ms)
    values (${name}, ${checksum}, ${statements.length}, ${done}, ${checksumOf(statements.slice(0, done))},
      ${restorePointId ?? null},
      clock_timestamp() - ${durationMs} * interval '1 millisecond',
      ${isDone ? sql`clock_timestamp()` : null}, ${isDone ? durationMs : null})
    on conflict (name) do update set checksum = excluded.checksum, statements = excluded.statements,
      statements_done = excluded.statements_done, done_checksum = excluded.done_checksum, applied_at = excluded.applied_at, duration_ms = excluded.duration_ms`
}

/** Notes a restore point that has been taken; answers its id. */
export async function recordRestorePoint(
  { sql }: Session,
  point: Omit<RestorePoint, 'id' | 'taken_at'>,
): Promise<string> {
  const [row] = await sql<Array<{ id: string }>>`
    insert into coppice.restore_points (lsn, snapshot_id, expires_at, next_xid, counters)
    values (${point.lsn}, ${point.snapshot_id}, ${point.expires_at}, ${point.next_xid},
      ${JSON.stringify(point.counters)}::text::jsonb)
    returning id`
  return row?.id ?? ''
}

/** The point before the last apply that changed something. */
export async function lastRestorePoint(session: Session): Promise<RestorePointRow | undefined> {
  if (!(await hasLedger(session))) return undefined
  const [row] = await session.sql<Array<Printed<RestorePointRow>>>`
    select id, to_char(taken_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as taken_at,
      lsn, snapshot_id,
      to_char(expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as expires_at,
      next_xid, counters::text, own_rows::text, own_transactions
    from coppice.restore_points
    where id in (select restore_point_id from coppice.migrations)
    order by restore_points.taken_at desc limit 1`
  if (!row) return undefined
  return {
    ...row,
    counters: JSON.parse(row.counters) as TableCounters,
    own_rows: JSON.parse(row.own_rows) as Record<string, number>,
  }
}

/** What has run since a restore point, also where no point of its own was made for it. */
export async function namesSince({ sql }: Session, restorePointId: string): Promise<string[]> {
  const rows = await sql<Array<{ name: string }>>`
    select name from coppice.migrations m, coppice.restore_points p
    where p.id = ${restorePointId} and (m.restore_point_id = p.id or m.started_at > p.taken_at)
    order by m.started_at, name`
  return rows.map(({ name }) => name)
}

/** With what the apply itself has changed since. */
export interface RestorePointRow extends RestorePoint {
  own_rows: Record<string, number>
  own_transactions: string
}

type Printed<T> = { [K in keyof T]: T[K] extends string | null ? T[K] : string }

/** Adds what a transaction of the apply has changed to the account of its restore point. */
export async function recordOwnChanges(
  { sql }: Session,
  restorePointId: string,
  rows: Record<string, number>,
): Promise<void> {
  await sql`
    update coppice.restore_points
    set own_transactions = own_transactions + 1,
      own_rows = own_rows || (
        select coalesce(jsonb_object_agg(key, value::bigint + coalesce((own_rows ->> key)::bigint, 0)), '{}')
        from jsonb_each_text(${JSON.stringify(rows)}::text::jsonb))
    where id = ${restorePointId}`
}

/** What all sessions have changed in each table so far; what has just been done may be missing for a second. */
export async function readCounters({ sql }: Session): Promise<TableCounters> {
  const rows = await sql<Array<{ oid: string; name: string; changed: string }>>`
    select relid::bigint as oid, schemaname || '.' || relname as name,
      n_tup_ins + n_tup_upd + n_tup_del as changed
    from pg_stat_user_tables where schemaname <> 'coppice'`
  return Object.fromEntries(
    rows.map(({ oid, name, changed }) => [oid, { name, rows: Number(changed) }]),
  )
}

/** What the current transaction has changed in each table, by OID. */
export async function readOwnChanges({ sql }: Session): Promise<Record<string, number>> {
  const rows = await sql<Array<{ oid: string; changed: string }>>`
    select relid::bigint as oid, n_tup_ins + n_tup_upd + n_tup_del as changed
    from pg_stat_xact_user_tables
    where schemaname <> 'coppice' and n_tup_ins + n_tup_upd + n_tup_del > 0`
  return Object.fromEntries(rows.map(({ oid, changed }) => [oid, Number(changed)]))
}

/** Where the WAL ends, and the transaction id that comes next. */
export async function readPosition({ sql }: Session): Promise<{ lsn: string; nextXid: string }> {
  const [row] = await sql<Array<{ lsn: string; xid: string }>>`
    select pg_current_wal_insert_lsn()::text as lsn,
      pg_snapshot_xmax(pg_current_snapshot())::text as xid`
  return { lsn: row?.lsn ?? '', nextXid: row?.xid ?? '' }
}

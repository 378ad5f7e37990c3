import type { Diagnostic } from './diagnostic.ts'

export const connections: Diagnostic = {
  name: 'connections',
  description: 'How many sessions each role has in each database, and what they do.',
  scope: 'compute',
  none: 'Nobody is connected.',
  sql: `
    select datname as database, usename as role, count(*) as total,
      count(*) filter (where state = 'active') as active,
      count(*) filter (where state = 'idle') as idle,
      count(*) filter (where state like 'idle in transaction%') as idle_in_transaction
    from pg_stat_activity
    where backend_type = 'client backend' and pid <> pg_backend_pid()
    group by 1, 2
    order by 3 desc, 1, 2`,
}

export const longRunningQueries: Diagnostic = {
  name: 'long-running-queries',
  description: 'Queries and transactions that have run for more than five minutes.',
  scope: 'database',
  none: 'Nothing has run for more than five minutes.',
  sql: `
    select pid, (clock_timestamp() - query_start)::text as duration, state, query
    from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
      and state <> 'idle' and query_start < clock_timestamp() - interval '5 minutes'
    order by query_start`,
}

/** A transaction that is only prepared has no session any more, and holds its locks all the same. */
export const longTransactions: Diagnostic = {
  name: 'long-transactions',
  description: 'Transactions open for more than a minute, which hold locks and keep vacuum back.',
  scope: 'compute',
  none: 'No transaction has been open for more than a minute.',
  sql: `
    with transactions as (
      select pid, datname as database, usename as role, state, xact_start as since,
        age(backend_xmin) as xmin_age, application_name, query
      from pg_stat_activity
      where backend_type = 'client backend' and pid <> pg_backend_pid()
      union all
      select null, database, owner, 'prepared', prepared, age(transaction), gid, null
      from pg_prepared_xacts
    )
    select pid, database, role, state, (clock_timestamp() - since)::text as duration, xmin_age,
      application_name, query
    from transactions
    where since < clock_timestamp() - interval '1 minute'
    order by since`,
}

/** A query with its parallel workers is a group, by the process that leads it. */
export const stalledQueries: Diagnostic = {
  name: 'stalled-queries',
  description: 'Queries that have run for more than 30 seconds, what they wait for and on whom.',
  scope: 'compute',
  none: 'No query has run for more than 30 seconds.',
  sql: `
    with sessions as (
      select *, coalesce(leader_pid, pid) as query_group
      from pg_stat_activity
      where state = 'active' and query_start is not null and pid <> pg_backend_pid()
    ),
    stalled as (
      select query_group, min(query_start) as since
      from sessions
      group by 1
      having min(query_start) < clock_timestamp() - interval '30 seconds'
    )
    select (clock_timestamp() - query_start)::text as duration,
      case when wait_event is null then null else wait_event_type || ': ' || wait_event end
        as wait_event,
      array_to_string(pg_blocking_pids(pid), ',') as blocking_pids,
      case when leader_pid is null then 'leader' else 'worker' end as role,
      query_group, query, pid, datname as database, query_id::text as query_id,
      clock_timestamp() as observed_at
    from sessions
    join stalled using (query_group)
    order by since, query_group, leader_pid nulls first, pid`,
}

export const locks: Diagnostic = {
  name: 'locks',
  description: 'Locks that sessions hold or wait for, those that wait first.',
  scope: 'database',
  none: 'No session holds a lock.',
  sql: `
    select activity.pid, locks.relation::regclass::text as relname, locks.mode, locks.locktype,
      locks.granted, (clock_timestamp() - activity.query_start)::text as age, activity.query
    from pg_locks locks
    join pg_stat_activity activity on activity.pid = locks.pid
    where activity.datname = current_database() and activity.pid <> pg_backend_pid()
      and locks.locktype <> 'virtualxid'
      and (locks.database is null or locks.database in (0, activity.datid))
    order by locks.granted, activity.query_start, activity.pid, 2`,
}

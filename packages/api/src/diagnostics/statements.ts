import { type Diagnostic, mark, rankedMax } from './diagnostic.ts'

/** What pg_stat_statements has gathered of this database, in a column order of choice. */
function ranked(columns: string, order: string): string {
  return `
    with statements as (
      select query, calls, total_exec_time, mean_exec_time,
        total_exec_time / nullif(sum(total_exec_time) over (), 0) as share
      from pg_stat_statements
      where dbid = (select oid from pg_database where datname = current_database())
        and query not like '%${mark}%'
    )
    select ${columns}
    from statements
    order by ${order} desc, query
    limit ${rankedMax}`
}

const total = `(total_exec_time * interval '1 millisecond')::text as total_exec_time`
const share = `coalesce(round(100 * share::numeric, 1), 0) || '%' as prop_exec_time`
const mean = `(mean_exec_time * interval '1 millisecond')::text as mean_exec_time`
const none = 'No statement has been counted yet.'

export const outliers: Diagnostic = {
  name: 'outliers',
  description: 'Queries that have taken the most time together.',
  scope: 'database',
  extension: 'pg_stat_statements',
  none,
  sql: ranked(`${total}, ${share}, calls as ncalls, query`, 'statements.total_exec_time'),
}

export const calls: Diagnostic = {
  name: 'calls',
  description: 'Queries that have run most often.',
  scope: 'database',
  extension: 'pg_stat_statements',
  none,
  sql: ranked(`calls as ncalls, ${total}, ${share}, query`, 'calls'),
}

export const slowQueries: Diagnostic = {
  name: 'slow-queries',
  description: 'Queries that take the longest each time.',
  scope: 'database',
  extension: 'pg_stat_statements',
  none,
  sql: ranked(`${mean}, calls as ncalls, ${total}, query`, 'statements.mean_exec_time'),
}

import type { Diagnostic } from './diagnostic.ts'

/** So few scans are what looking at an index once makes. */
const rareScans = 50

export const unusedIndexes: Diagnostic = {
  name: 'unused-indexes',
  description: 'Indexes that hardly any query uses and no constraint needs, the largest first.',
  scope: 'database',
  none: 'Every index is used, or guards a constraint.',
  sql: `
    select stats.schemaname || '.' || stats.relname as "table",
      stats.indexrelname as index,
      pg_size_pretty(pg_relation_size(stats.indexrelid)) as index_size,
      stats.idx_scan as index_scans
    from pg_stat_user_indexes stats
    join pg_index index on index.indexrelid = stats.indexrelid
    where not index.indisunique and stats.idx_scan < ${rareScans}
      and not exists (select from pg_constraint where conindid = stats.indexrelid)
    order by pg_relation_size(stats.indexrelid) desc, 1, 2`,
}

export const sequentialScans: Diagnostic = {
  name: 'seq-scans',
  description: 'How often each table was read from end to end.',
  scope: 'database',
  none: 'There are no tables.',
  sql: `
    select schemaname as schema, relname as name, seq_scan as count
    from pg_stat_user_tables
    order by seq_scan desc, 1, 2`,
}

export const cacheHit: Diagnostic = {
  name: 'cache-hit',
  description: "How much of what was read stood in PostgreSQL's shared buffers already.",
  scope: 'database',
  none: 'Nothing has been read yet.',
  sql: `
    select 'index hit rate' as name,
      round(sum(idx_blks_hit) / nullif(sum(idx_blks_hit + idx_blks_read), 0), 4)::float as ratio
    from pg_statio_user_indexes
    union all
    select 'table hit rate',
      round(sum(heap_blks_hit) / nullif(sum(heap_blks_hit + heap_blks_read), 0), 4)::float
    from pg_statio_user_tables`,
}

/** The threshold by the manual, 25.1.6; the upper bound of it is PostgreSQL 18's. */
export const vacuumStats: Diagnostic = {
  name: 'vacuum-stats',
  description: 'When each table was vacuumed, its dead rows, and whether autovacuum is due.',
  scope: 'database',
  none: 'There are no tables.',
  sql: `
    with tables as (
      select stats.schemaname, stats.relname, stats.last_vacuum, stats.last_autovacuum,
        stats.n_dead_tup, greatest(class.reltuples, 0) as rows,
        (select jsonb_object_agg(option_name, option_value)
          from pg_options_to_table(class.reloptions)) as options
      from pg_stat_user_tables stats
      join pg_class class on class.oid = stats.relid
    ),
    thresholds as (
      select *, least(
        coalesce(options->>'autovacuum_vacuum_threshold',
          current_setting('autovacuum_vacuum_threshold'))::float8
        + coalesce(options->>'autovacuum_vacuum_scale_factor',
          current_setting('autovacuum_vacuum_scale_factor'))::float8 * rows,
        nullif(coalesce(options->>'autovacuum_vacuum_max_threshold',
          current_setting('autovacuum_vacuum_max_threshold', true))::float8, -1)
      ) as threshold
      from tables
    )
    select schemaname as schema, relname as "table",
      to_char(last_vacuum, 'YYYY-MM-DD HH24:MI') as last_vacuum,
      to_char(last_autovacuum, 'YYYY-MM-DD HH24:MI') as last_autovacuum,
      rows::bigint as rowcount, n_dead_tup as dead_rowcount,
      case when n_dead_tup > threshold then 'yes' else 'no' end as expect_autovacuum
    from thresholds
    order by n_dead_tup desc, 1, 2`,
}

import { type Diagnostic, rankedMax, systemSchemas } from './diagnostic.ts'

export const tableSizes: Diagnostic = {
  name: 'table-sizes',
  description: 'Size of each table with its TOAST, the largest first.',
  scope: 'database',
  none: 'There are no tables.',
  sql: `
    select n.nspname as schema, c.relname as name, pg_size_pretty(pg_table_size(c.oid)) as size
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'm', 'p') and n.nspname not in ${systemSchemas}
    order by pg_table_size(c.oid) desc, 1, 2`,
}

export const indexSizes: Diagnostic = {
  name: 'index-sizes',
  description: 'Size of each index, the largest first.',
  scope: 'database',
  none: 'There are no indexes.',
  sql: `
    select n.nspname as schema, c.relname as name, pg_size_pretty(pg_relation_size(c.oid)) as size
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('i', 'I') and n.nspname not in ${systemSchemas}
    order by pg_relation_size(c.oid) desc, 1, 2`,
}

export const databaseSizes: Diagnostic = {
  name: 'database-sizes',
  description: 'Size of each database, the largest first.',
  scope: 'compute',
  none: 'There are no databases.',
  // The size of a database that one may not connect to is an error, not a null.
  sql: `
    with sizes as (
      select datname, case
        when has_database_privilege(oid, 'connect') or pg_has_role('pg_read_all_stats', 'member')
        then pg_database_size(oid)
      end as bytes
      from pg_database
      where not datistemplate
    )
    select datname as name, pg_size_pretty(bytes) as size
    from sizes
    order by bytes desc nulls last, 1`,
}

/** Planner statistics of what each row of a table, or entry of an index, takes; unknown before ANALYZE. */
const widths = `
  select attribute.attrelid as relid,
    sum((1 - stats.null_frac) * stats.avg_width) as data_width,
    max(stats.null_frac) > 0 as has_nulls,
    count(*) as columns
  from pg_attribute attribute
  join pg_class class on class.oid = attribute.attrelid
  join pg_namespace namespace on namespace.oid = class.relnamespace
  left join pg_index index on index.indexrelid = class.oid
  left join pg_class indexed on indexed.oid = index.indrelid
  left join lateral (
    select attname from pg_attribute of_table
    where of_table.attrelid = index.indrelid
      and of_table.attnum = index.indkey[attribute.attnum - 1]
  ) source on true
  left join pg_stats stats
    on stats.schemaname = namespace.nspname
    and stats.tablename = case when source.attname is null then class.relname else indexed.relname end
    and stats.attname = coalesce(source.attname, attribute.attname)
    and not stats.inherited
  where attribute.attnum > 0 and not attribute.attisdropped and class.relkind in ('r', 'm', 'i')
    and namespace.nspname not in ${systemSchemas}
  group by attribute.attrelid
  having count(stats.attname) = count(*)`

/**
 * Pages that there are beside pages that the rows would fill, from the planner's statistics: a heap tuple
 * is a line pointer (4 bytes), a header (23, and a bit a column where there are nulls) and the data, a
 * B-tree's entry a line pointer, a header (8) and the key, both padded to 8 bytes. Pages have 24 bytes of
 * their own, in a B-tree 16 more (PostgreSQL manual, 73.6 and nbtree's README).
 */
export const bloat: Diagnostic = {
  name: 'bloat',
  description: 'How much larger tables and indexes are than what is in them, estimated.',
  scope: 'database',
  none: 'No table has been analyzed yet, so that nothing can be estimated: run ANALYZE.',
  sql: `
    with widths as (${widths}),
    relations as (
      select class.oid, namespace.nspname, class.relname, class.relkind, class.relpages,
        greatest(class.reltuples, 0) as rows,
        current_setting('block_size')::numeric as block_size,
        coalesce(
          (select option_value::numeric from pg_options_to_table(class.reloptions)
            where option_name = 'fillfactor'),
          case class.relkind when 'i' then 90 else 100 end
        ) / 100 as fill,
        case class.relkind
          when 'i' then 4 + 8 * ceil((8 + widths.data_width) / 8.0)
          else 4 + 8 * ceil(
            (23 + case when widths.has_nulls then ceil(widths.columns / 8.0) else 0 end) / 8.0
          ) + 8 * ceil(widths.data_width / 8.0)
        end::numeric as width
      from widths
      join pg_class class on class.oid = widths.relid
      join pg_namespace namespace on namespace.oid = class.relnamespace
      left join pg_am am on am.oid = class.relam
      where class.relkind <> 'i' or am.amname = 'btree'
    ),
    estimates as (
      select *, greatest(1, case relkind when 'i' then 2 else 1 end + ceil(
        rows::numeric * width / ((block_size - case relkind when 'i' then 40 else 24 end) * fill)
      ) - 1) as expected
      from relations
    )
    select case relkind when 'i' then 'index' else 'table' end as type,
      nspname as schema,
      relname as object_name,
      round(relpages / expected, 1)::float as bloat,
      pg_size_pretty(greatest(relpages - expected, 0) * block_size) as waste
    from estimates
    where relpages > 0
    order by greatest(relpages - expected, 0) desc, 2, 3
    limit ${rankedMax}`,
}

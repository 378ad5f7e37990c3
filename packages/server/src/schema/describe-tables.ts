import type { DatabaseTables } from '@coppice/api'
import type { Sql } from 'postgres'

/**
 * Tables with their columns and keys, in the shape of Neon's API. As a superuser with nothing but
 * `pg_catalog` in its search path; what belongs to extensions is left out.
 */
export async function describeTables(sql: Sql): Promise<DatabaseTables> {
  const tables = await sql<DatabaseTables['tables']>`
    select n.nspname as schema, c.relname as name,
      coalesce((
        select json_agg(json_build_object(
          'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
          'nullable', not a.attnotnull, 'generated', a.attgenerated <> '') order by a.attnum)
        from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '[]'::json) as columns,
      coalesce((
        select json_agg(json_strip_nulls(json_build_object(
          'type', case con.contype when 'p' then 'primary_key' when 'u' then 'unique'
            else 'foreign_key' end,
          'name', con.conname,
          'columns', ${names(sql, sql`con.conrelid`, sql`con.conkey`)},
          'referenced_table', case when con.contype = 'f' then json_build_object(
            'schema', rn.nspname, 'table', r.relname,
            'columns', ${names(sql, sql`con.confrelid`, sql`con.confkey`)}) end))
          order by con.contype <> 'p', con.contype desc, con.conname collate "C")
        from pg_constraint con left join pg_class r on r.oid = con.confrelid
          left join pg_namespace rn on rn.oid = r.relnamespace
        where con.conrelid = c.oid and con.contype in ('p', 'u', 'f')), '[]'::json) as constraints
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'f') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and not exists (
        select from pg_depend d
        where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
    order by n.nspname collate "C", c.relname collate "C"`
  return { tables: [...tables] }
}

/** Names of columns in the order of their key. */
const names = (sql: Sql, table: ReturnType<Sql>, key: ReturnType<Sql>) => sql`(
  select json_agg(a.attname order by k.place)
  from unnest(${key}) with ordinality k(attnum, place)
    join pg_attribute a on a.attrelid = ${table} and a.attnum = k.attnum)`

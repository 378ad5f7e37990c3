import { type Catalog, collateClause, foreignOptions, needsLaterObjects } from './catalog.ts'

/** A column of a table, with what its table's statements say of it. */
export interface ColumnRow {
  table_oid: number
  name: string
  type: string
  collate: string
  foreign_options: string
  /** Defined here, and not only by a parent. */
  is_local: boolean
  is_generated: boolean
  default_oid: number | null
  /** The default, or how it is generated, as a clause. */
  default_clause: string | null
  /** The default has to wait for objects that come after tables. */
  default_is_apart: boolean
  parent_has_default: boolean
  /** Generated as a parent generates it. */
  parent_generates: boolean
  not_null: NotNull | null
  /** What `ALTER TABLE ONLY … ALTER COLUMN …` is to set, one action each. */
  settings: string[]
}

export interface NotNull {
  /** As a constraint of a column: `NOT NULL`, with its name where that is not the usual one. */
  clause: string
  /** Its name, quoted; null where it has none. */
  name: string | null
  /** Set here, and not only by a parent. */
  is_local: boolean
  /** Existing rows are known to satisfy it. */
  is_valid: boolean
}

/** Columns of all tables, in their order. */
export async function readColumns(catalog: Catalog): Promise<Map<number, ColumnRow[]>> {
  const { sql, version } = catalog
  const generated =
    version >= 18
      ? sql`case a.attgenerated when 's' then 'STORED' else 'VIRTUAL' end`
      : sql`'STORED'`
  const notNull = version >= 18 ? notNullConstraint(catalog) : notNullFlag(catalog)
  const rows = await sql<ColumnRow[]>`
    select a.attrelid as table_oid, quote_ident(a.attname) as name,
      format_type(a.atttypid, a.atttypmod) as type,
      ${collateClause(catalog, sql`a.attcollation`, sql`t.typcollation`)} as collate,
      ${foreignOptions(catalog, sql`a.attfdwoptions`)} as foreign_options,
      a.attislocal as is_local, a.attgenerated <> '' as is_generated, ad.oid as default_oid,
      case when a.attgenerated <> ''
        then format('GENERATED ALWAYS AS (%s) %s', pg_get_expr(ad.adbin, ad.adrelid), ${generated})
        else 'DEFAULT ' || pg_get_expr(ad.adbin, ad.adrelid) end as default_clause,
      coalesce(ad.oid is not null and a.attgenerated = ''
        and ${needsLaterObjects(catalog, 'pg_attrdef', sql`ad.oid`, sql`a.attrelid`)}, false)
        as default_is_apart,
      parent.has_default as parent_has_default, parent.generates as parent_generates,
      ${notNull} as not_null,
      array_to_json(array_remove(array[
        case when a.attstorage <> t.typstorage then 'SET STORAGE ' || case a.attstorage
          when 'p' then 'PLAIN' when 'e' then 'EXTERNAL' when 'm' then 'MAIN' else 'EXTENDED' end end,
        case a.attcompression when 'p' then 'SET COMPRESSION pglz'
          when 'l' then 'SET COMPRESSION lz4' end,
        case when coalesce(a.attstattarget, -1) >= 0 then 'SET STATISTICS ' || a.attstattarget end,
        (select format('SET (%s)', string_agg(format('%I=%L', o.option_name, o.option_value), ', '
            order by o.option_name collate "C"))
          from pg_options_to_table(a.attoptions) o having count(*) > 0)
      ], null)) as settings
    from pg_attribute a join pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p', 'f')
      join pg_type t on t.oid = a.atttypid
      left join pg_attrdef ad on ad.adrelid = a.attrelid and ad.adnum = a.attnum
      cross join lateral (
        select coalesce(bool_or(pa.atthasdef and pa.attgenerated = ''), false) as has_default,
          coalesce(bool_or(pa.attgenerated <> ''
            and pg_get_expr(pd.adbin, pd.adrelid) = pg_get_expr(ad.adbin, ad.adrelid)), false)
            as generates
        from pg_inherits i join pg_attribute pa on pa.attrelid = i.inhparent
          and pa.attname = a.attname and pa.attnum > 0
          left join pg_attrdef pd on pd.adrelid = pa.attrelid and pd.adnum = pa.attnum
        where i.inhrelid = a.attrelid) parent
    where a.attnum > 0 and not a.attisdropped and c.oid >= 16384
    order by a.attrelid, a.attnum`
  const columns = new Map<number, ColumnRow[]>()
  for (const row of rows) {
    columns.set(row.table_oid, [...(columns.get(row.table_oid) ?? []), row])
  }
  return columns
}

/** Since 18 a NOT NULL is a constraint with a name and a state of its own. */
function notNullConstraint({ sql }: Catalog) {
  return sql`(
    select json_build_object(
      'clause', case when con.conname = c.relname || '_' || a.attname || '_not_null' then ''
        else format('CONSTRAINT %I ', con.conname) end || 'NOT NULL'
        || case when con.connoinherit then ' NO INHERIT' else '' end,
      'name', quote_ident(con.conname),
      'is_local', con.conislocal,
      'is_valid', con.convalidated)
    from pg_constraint con
    where con.conrelid = a.attrelid and con.contype = 'n' and con.conkey = array[a.attnum])`
}

/** Before, it was a mark on the column; a parent's mark cannot be told from one's own where both are. */
function notNullFlag({ sql }: Catalog) {
  return sql`case when a.attnotnull then json_build_object(
    'clause', 'NOT NULL', 'name', null, 'is_valid', true,
    'is_local', not exists (
      select from pg_inherits i join pg_attribute pa on pa.attrelid = i.inhparent
        and pa.attname = a.attname and pa.attnotnull and pa.attnum > 0
      where i.inhrelid = a.attrelid)) end`
}

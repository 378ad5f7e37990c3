import type { Fragment, TransactionSql } from 'postgres'

/** Where a schema is read from: one transaction of a superuser, so that all is of one moment. */
export interface Catalog {
  sql: TransactionSql
  /** Major version of the server. */
  version: number
}

export async function openCatalog(sql: TransactionSql): Promise<Catalog> {
  const [row] = await sql<{ version: number }[]>`
    select current_setting('server_version_num')::integer / 10000 as version`
  return { sql, version: row?.version ?? 0 }
}

/** Users' schemas; their names cannot start with `pg_`. */
export const isUserSchema = ({ sql }: Catalog, nspname: Fragment): Fragment =>
  sql`(${nspname} !~ '^pg_' and ${nspname} <> 'information_schema')`

/** Not made by an extension, which brings its own objects along. */
export const isNoMember = ({ sql }: Catalog, catalog: string, oid: Fragment): Fragment =>
  sql`not exists (
    select from pg_depend membership
    where membership.classid = ${catalog}::regclass and membership.objid = ${oid}
      and membership.deptype = 'e')`

/** Not made along with another object, as the constructors and the cast of a range type are. */
export const isNoPart = ({ sql }: Catalog, catalog: string, oid: Fragment): Fragment =>
  sql`not exists (
    select from pg_depend part
    where part.classid = ${catalog}::regclass and part.objid = ${oid} and part.deptype = 'i')`

/** Whether an expression needs objects that are made after tables: then it is added to its table later. */
export const needsLaterObjects = (
  { sql }: Catalog,
  catalog: string,
  oid: Fragment,
  ownRelation: Fragment,
): Fragment =>
  sql`exists (
    select from pg_depend needed
    where needed.classid = ${catalog}::regclass and needed.objid = ${oid}
      and needed.refclassid in ('pg_proc'::regclass, 'pg_class'::regclass, 'pg_operator'::regclass)
      and not (needed.refclassid = 'pg_class'::regclass and needed.refobjid = ${ownRelation})
      and not exists (
        select from pg_depend membership
        where membership.classid = needed.refclassid and membership.objid = needed.refobjid
          and membership.deptype = 'e'))`

/** ` COLLATE …` where a column or an attribute does not have its type's collation. */
export const collateClause = (
  { sql }: Catalog,
  collation: Fragment,
  typeCollation: Fragment,
): Fragment =>
  sql`coalesce((
    select format(' COLLATE %I.%I', cn.nspname, co.collname)
    from pg_collation co join pg_namespace cn on cn.oid = co.collnamespace
    where co.oid = ${collation} and ${collation} <> ${typeCollation}), '')`

/** The options of a foreign-data object, ` OPTIONS (…)`. */
export const foreignOptions = ({ sql }: Catalog, options: Fragment): Fragment =>
  sql`coalesce((
    select format(' OPTIONS (%s)', string_agg(
      format('%I %L', o.option_name, o.option_value), ', ' order by o.option_name collate "C"))
    from pg_options_to_table(${options}) o having count(*) > 0), '')`

/** Storage parameters, `fillfactor='70', …`, or null. */
export const storageOptions = ({ sql }: Catalog, options: Fragment, prefix = ''): Fragment =>
  sql`(
    select string_agg(
      format('%s%I=%L', ${prefix}::text, split_part(o.item, '=', 1),
        substr(o.item, strpos(o.item, '=') + 1)), ', ' order by o.place)
    from unnest(${options}) with ordinality o(item, place))`

/** How ALTER names when triggers and rules fire; `O`, the usual, is not said. */
export const firingStates: Readonly<Record<string, string | undefined>> = {
  D: 'DISABLE',
  R: 'ENABLE REPLICA',
  A: 'ENABLE ALWAYS',
}

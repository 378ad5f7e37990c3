import { type Catalog, collateClause, isNoMember, isUserSchema, storageOptions } from './catalog.ts'
import { addressOf, type SchemaObject } from './schema-object.ts'

interface ViewRow {
  oid: number
  name: string
  owner: string
  is_materialized: boolean
  row_type: number
  array_type: number
  rule_oid: number
  access_method: string | null
  options: string | null
  query: string
  /** Columns of the right types, without the query. */
  stand_in: string
  defaults: { column: string; clause: string }[]
}

/** Views and materialized views; the latter without rows. */
export async function readViews(catalog: Catalog): Promise<SchemaObject[]> {
  const { sql } = catalog
  const rows = await sql<ViewRow[]>`
    select c.oid, format('%I.%I', n.nspname, c.relname) as name,
      quote_ident(pg_get_userbyid(c.relowner)) as owner, c.relkind = 'm' as is_materialized,
      c.reltype as row_type, t.typarray as array_type, r.oid as rule_oid,
      (select quote_ident(am.amname) from pg_am am where am.oid = c.relam and am.amname <> 'heap')
        as access_method,
      ${storageOptions(catalog, sql`c.reloptions`)} as options,
      pg_get_viewdef(c.oid) as query,
      (select string_agg(format(E'\n    NULL::%s%s AS %I', format_type(a.atttypid, a.atttypmod),
          ${collateClause(catalog, sql`a.attcollation`, sql`ty.typcollation`)}, a.attname),
          ',' order by a.attnum)
        from pg_attribute a join pg_type ty on ty.oid = a.atttypid
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as stand_in,
      coalesce((select json_agg(json_build_object('column', quote_ident(a.attname),
          'clause', pg_get_expr(d.adbin, d.adrelid)) order by a.attnum)
        from pg_attrdef d join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
        where d.adrelid = c.oid), '[]'::json) as defaults
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
      join pg_type t on t.oid = c.reltype
      join pg_rewrite r on r.ev_class = c.oid and r.rulename = '_RETURN'
    where c.relkind in ('v', 'm') and ${isUserSchema(catalog, sql`n.nspname`)}
      and ${isNoMember(catalog, 'pg_class', sql`c.oid`)}`
  return rows.flatMap((row) => [view(row), ...defaults(row)])
}

function view(row: ViewRow): SchemaObject {
  const query = row.query.trimEnd().replace(/;$/, '')
  const word = row.is_materialized ? 'MATERIALIZED VIEW' : 'VIEW'
  const using = row.access_method === null ? '' : `\nUSING ${row.access_method}`
  const options = row.options === null ? '' : `\nWITH (${row.options})`
  return {
    kind: 'view',
    name: row.name,
    addresses: [
      addressOf('pg_class', row.oid),
      addressOf('pg_type', row.row_type),
      addressOf('pg_type', row.array_type),
      addressOf('pg_rewrite', row.rule_oid),
    ],
    statements: [
      `CREATE ${word} ${row.name}${using}${options} AS\n${query}` +
        `${row.is_materialized ? '\nWITH NO DATA' : ''}`,
    ],
    ownership: `ALTER ${word} ${row.name} OWNER TO ${row.owner}`,
    ...(!row.is_materialized && {
      standIn: `CREATE VIEW ${row.name} AS\nSELECT${row.stand_in}`,
    }),
  }
}

function defaults(row: ViewRow): SchemaObject[] {
  return row.defaults.map(({ column, clause }) => ({
    kind: 'default',
    name: `${row.name}.${column}`,
    addresses: [],
    after: [addressOf('pg_class', row.oid)],
    statements: [`ALTER TABLE ONLY ${row.name} ALTER COLUMN ${column} SET DEFAULT ${clause}`],
  }))
}

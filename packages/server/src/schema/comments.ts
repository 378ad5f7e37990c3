import type { Catalog } from './catalog.ts'
import { type Address, addressOf } from './schema-object.ts'

interface CommentRow {
  catalog: string
  oid: number
  type: string
  identity: string
  description: string
}

/** What `pg_identify_object` calls otherwise than COMMENT ON does. */
const words: Readonly<Record<string, string | undefined>> = {
  'foreign-data wrapper': 'FOREIGN DATA WRAPPER',
  'statistics object': 'STATISTICS',
  'table constraint': 'CONSTRAINT',
  'domain constraint': 'CONSTRAINT',
}

/** Comments of everything but what extensions made, with the object that they are about. */
export async function readComments(
  catalog: Catalog,
): Promise<{ address: Address; statement: string }[]> {
  const { sql } = catalog
  const rows = await sql<CommentRow[]>`
    select d.classoid::regclass::text as catalog, d.objoid as oid, o.type,
      coalesce((
        select format('%I ON DOMAIN %s', con.conname, format_type(con.contypid, null))
        from pg_constraint con
        where d.classoid = 'pg_constraint'::regclass and con.oid = d.objoid and con.contypid <> 0),
        o.identity) as identity,
      quote_literal(d.description) as description
    from pg_description d cross join lateral pg_identify_object(d.classoid, d.objoid, d.objsubid) o
    where (d.objoid >= 16384 or d.classoid = 'pg_namespace'::regclass)
      and o.identity is not null and coalesce(o.schema, '') not in ('pg_catalog', 'information_schema')
      and not exists (
        select from pg_depend e
        where e.classid = d.classoid and e.objid = d.objoid and e.deptype = 'e')
      and not (d.classoid = 'pg_namespace'::regclass
        and (o.name in ('pg_catalog', 'pg_toast', 'information_schema')
          or (o.name = 'public' and d.description = 'standard public schema')))
    order by d.objsubid, o.identity collate "C"`
  return rows.map((row) => ({
    address: addressOf(row.catalog, row.oid),
    statement: `COMMENT ON ${word(row.type)} ${identity(row)} IS ${row.description}`,
  }))
}

const word = (type: string): string =>
  type.endsWith(' column') ? 'COLUMN' : (words[type] ?? type.toUpperCase())

const identity = ({ type, identity: name }: CommentRow): string =>
  type === 'aggregate' ? name.replace(/\(\)$/, '(*)') : name

import { CliError } from '../errors.ts'
import type { Sql } from '../sql-connection.ts'

/** A table as PostgreSQL has it; every name is quoted where it must be. */
export interface Relation {
  oid: string
  /** `r` a table, `p` a partitioned one. */
  kind: string
  /** With its schema. */
  name: string
  /** Without: what qualifies its columns in an UPDATE. */
  qualifier: string
  /** Changes when the table is written anew, which moves its rows. */
  filenode: string | null
  hasChildren: boolean
}

export interface KeyColumn {
  column: string
  type: string
}

interface Found {
  oid: string
  kind: string
  name: string
  qualifier: string
  filenode: string | null
  children: string
}

/** The table that a name means to PostgreSQL: with or without a schema, quoted or not. */
export async function findRelation(sql: Sql, table: string): Promise<Relation> {
  const [found] = await sql<Found[]>`
    select c.oid::text, c.relkind::text as kind,
      quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name,
      quote_ident(c.relname) as qualifier,
      pg_relation_filenode(c.oid)::text as filenode,
      (select count(*) from pg_inherits where inhparent = c.oid)::text as children
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.oid = to_regclass(${table})`
  if (!found) {
    throw new CliError(`There is no table ${table} in this database.`, {
      advice:
        'Name it as in SQL: with its schema where that is not on the search path, in double quotes\n' +
        'where it has capitals: --table \'sales."Orders"\'. `coppice inspect db table-sizes` lists tables.',
    })
  }
  if (found.kind !== 'r' && found.kind !== 'p') {
    throw new CliError(`${found.name} is not a table.`, { advice: 'Name the table behind it.' })
  }
  const { oid, kind, name, qualifier, filenode, children } = found
  return { oid, kind, name, qualifier, filenode, hasChildren: children !== '0' }
}

/** The columns of every unique index that holds each row once and can be walked: the primary key first. */
export async function findKeys(sql: Sql, relation: Relation): Promise<KeyColumn[][]> {
  const rows = await sql<Array<{ columns: KeyColumn[] }>>`
    select json_agg(json_build_object('column', quote_ident(a.attname),
      'type', format_type(a.atttypid, a.atttypmod)) order by k.position) as columns
    from pg_index i
    cross join unnest(i.indkey::int2[]) with ordinality as k (attnum, position)
    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
    where i.indrelid = ${relation.oid}::text::oid and i.indisunique and i.indisvalid
      and i.indpred is null and i.indexprs is null and k.position <= i.indnkeyatts
    group by i.indexrelid, i.indisprimary, i.indnkeyatts
    having bool_and(a.attnotnull)
    order by i.indisprimary desc, i.indnkeyatts, i.indexrelid`
  return rows.map((row) => row.columns)
}

/** The key that a user names, as `id` or `tenant, id`, else the first; undefined where there is none. */
export function chooseKey(
  relation: Relation,
  keys: readonly KeyColumn[][],
  asked: string | undefined,
): KeyColumn[] | undefined {
  if (asked === undefined) return keys[0]
  const wanted = asked.split(',').map((column) => column.trim().replaceAll('"', ''))
  const found = keys.find((key) => {
    const columns = key.map(({ column }) => column.replaceAll('"', ''))
    return columns.toSorted().join() === wanted.toSorted().join()
  })
  if (found) return found
  const usable = keys.map((key) => key.map(({ column }) => column).join(', '))
  throw new CliError(
    `${relation.name} has no unique index on (${asked}) whose columns are NOT NULL.`,
    {
      advice:
        usable.length > 0
          ? `These could be used: --key "${usable.join('", --key "')}".`
          : 'It has none at all: leave --key out to go by the place of rows on disk.',
    },
  )
}

import type { Sql } from '@coppice/migrate/database'

import { CliError } from './errors.ts'

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

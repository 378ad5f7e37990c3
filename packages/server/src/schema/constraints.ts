import { type Catalog, isNoMember, isUserSchema, needsLaterObjects } from './catalog.ts'
import { addressOf, type SchemaObject } from './schema-object.ts'

export interface CheckRow {
  oid: number
  table_oid: number
  name: string
  definition: string
}

interface ConstraintRow extends CheckRow {
  table_name: string
  type: 'c' | 'p' | 'u' | 'x' | 'f'
  index_oid: number
  is_partitioned: boolean
}

/** CHECK constraints that stand in the statement of their table. */
export async function readTableChecks(catalog: Catalog): Promise<CheckRow[]> {
  const { sql } = catalog
  return sql<CheckRow[]>`
    select con.oid, con.conrelid as table_oid, quote_ident(con.conname) as name,
      pg_get_constraintdef(con.oid) as definition
    from pg_constraint con join pg_class c on c.oid = con.conrelid
    where con.contype = 'c' and (con.conislocal or c.relispartition)
      and not ${isApart(catalog)}
    order by con.conname collate "C"`
}

/** Not valid for all rows that are there, or in need of what is made after tables. */
const isApart = (catalog: Catalog) => {
  const { sql } = catalog
  const needs = needsLaterObjects(catalog, 'pg_constraint', sql`con.oid`, sql`con.conrelid`)
  return sql`(not con.convalidated or ${needs})`
}

/**
 * Constraints that are added to a table. What a parent's constraint brings to its children and
 * partitions is not repeated, but for the keys of partitions, which have indexes of their own.
 */
export async function readConstraints(catalog: Catalog): Promise<SchemaObject[]> {
  const { sql } = catalog
  const rows = await sql<ConstraintRow[]>`
    select con.oid, con.conrelid as table_oid, quote_ident(con.conname) as name,
      format('%I.%I', n.nspname, c.relname) as table_name, con.contype as type,
      pg_get_constraintdef(con.oid) as definition, con.conindid as index_oid,
      c.relkind = 'p' as is_partitioned
    from pg_constraint con join pg_class c on c.oid = con.conrelid
      join pg_namespace n on n.oid = c.relnamespace
    where (con.contype in ('p', 'u', 'x')
        or (con.contype = 'f' and con.conparentid = 0)
        or (con.contype = 'c' and con.conislocal and ${isApart(catalog)}))
      and ${isUserSchema(catalog, sql`n.nspname`)} and ${isNoMember(catalog, 'pg_class', sql`c.oid`)}`
  return rows.map((row) => {
    const address = addressOf('pg_constraint', row.oid)
    const object = {
      name: `${row.table_name} ${row.name}`,
      after: [addressOf('pg_class', row.table_oid)],
    }
    const add = (only: string): string =>
      `ALTER TABLE ${only}${row.table_name}\n    ADD CONSTRAINT ${row.name} ${row.definition}`
    switch (row.type) {
      case 'c':
        return { ...object, kind: 'check constraint', addresses: [address], statements: [add('')] }
      case 'f':
        return {
          ...object,
          kind: 'foreign key',
          addresses: [address],
          statements: [add(row.is_partitioned ? '' : 'ONLY ')],
        }
      case 'p':
      case 'u':
      case 'x':
        return {
          ...object,
          kind: 'constraint',
          addresses: [address, addressOf('pg_class', row.index_oid)],
          statements: [add('ONLY ')],
        }
    }
  })
}

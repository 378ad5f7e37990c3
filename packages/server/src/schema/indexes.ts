import { type Catalog, isNoMember, isUserSchema, storageOptions } from './catalog.ts'
import { addressOf, type SchemaObject } from './schema-object.ts'

interface IndexRow {
  oid: number
  name: string
  bare_name: string
  table_name: string
  definition: string
  /** A constraint makes it. */
  is_constraints: boolean
  options: string | null
  is_clustered: boolean
  is_replica_identity: boolean
  statistics: { column: number; target: number }[]
  parent_oid: number | null
  parent_name: string | null
}

/**
 * Indexes, those of constraints only with what a constraint does not say. One that a failed CREATE
 * INDEX CONCURRENTLY left is none.
 */
export async function readIndexes(catalog: Catalog): Promise<SchemaObject[]> {
  const { sql } = catalog
  const rows = await sql<IndexRow[]>`
    select c.oid, format('%I.%I', n.nspname, c.relname) as name, quote_ident(c.relname) as bare_name,
      format('%I.%I', tn.nspname, t.relname) as table_name, pg_get_indexdef(c.oid) as definition,
      exists (select from pg_constraint con
        where con.conindid = c.oid and con.contype in ('p', 'u', 'x') and con.conrelid = t.oid)
        as is_constraints,
      ${storageOptions(catalog, sql`c.reloptions`)} as options,
      i.indisclustered as is_clustered, i.indisreplident as is_replica_identity,
      coalesce((select json_agg(json_build_object('column', a.attnum, 'target', a.attstattarget)
          order by a.attnum)
        from pg_attribute a where a.attrelid = c.oid and a.attstattarget >= 0), '[]'::json)
        as statistics,
      p.oid as parent_oid,
      quote_ident(pn.nspname) || '.' || quote_ident(p.relname) as parent_name
    from pg_index i join pg_class c on c.oid = i.indexrelid
      join pg_namespace n on n.oid = c.relnamespace
      join pg_class t on t.oid = i.indrelid and t.relkind in ('r', 'p', 'm')
      join pg_namespace tn on tn.oid = t.relnamespace
      left join pg_inherits h on h.inhrelid = c.oid
      left join pg_class p on p.oid = h.inhparent
      left join pg_namespace pn on pn.oid = p.relnamespace
    where (i.indisvalid or t.relkind = 'p') and i.indisready
      and ${isUserSchema(catalog, sql`n.nspname`)} and ${isNoMember(catalog, 'pg_class', sql`t.oid`)}
      and ${isNoMember(catalog, 'pg_class', sql`c.oid`)}`
  return rows.flatMap((row) => [...index(row), ...attachment(row)])
}

function index(row: IndexRow): SchemaObject[] {
  const address = addressOf('pg_class', row.oid)
  const alter = `ALTER TABLE ${row.table_name}`
  const statements = [
    ...(row.is_constraints ? [] : [row.definition]),
    ...(row.is_constraints && row.options !== null
      ? [`ALTER INDEX ${row.name} SET (${row.options})`]
      : []),
    ...row.statistics.map(
      ({ column, target }) =>
        `ALTER INDEX ${row.name} ALTER COLUMN ${column} SET STATISTICS ${target}`,
    ),
    ...(row.is_clustered ? [`${alter} CLUSTER ON ${row.bare_name}`] : []),
    ...(row.is_replica_identity
      ? [`ALTER TABLE ONLY ${row.table_name} REPLICA IDENTITY USING INDEX ${row.bare_name}`]
      : []),
  ]
  if (statements.length === 0) return []
  // The address of a constraint's index is the constraint's.
  const place = row.is_constraints ? { addresses: [], after: [address] } : { addresses: [address] }
  return [{ kind: 'index', name: row.name, statements, ...place }]
}

function attachment(row: IndexRow): SchemaObject[] {
  if (row.parent_oid === null) return []
  return [
    {
      kind: 'index attach',
      name: row.name,
      addresses: [],
      after: [addressOf('pg_class', row.oid), addressOf('pg_class', row.parent_oid)],
      statements: [`ALTER INDEX ${row.parent_name} ATTACH PARTITION ${row.name}`],
    },
  ]
}

import { type Catalog, isNoMember, isUserSchema } from './catalog.ts'
import { addressOf, type SchemaObject } from './schema-object.ts'

/** Who owns the schema `public` of a new database, through whoever owns the database. */
const publicOwner = 'pg_database_owner'

/** Schemas. `public` is there in a new database. */
export async function readSchemas(catalog: Catalog): Promise<SchemaObject[]> {
  const { sql } = catalog
  const rows = await sql<{ oid: number; name: string; owner: string }[]>`
    select n.oid, quote_ident(n.nspname) as name, quote_ident(pg_get_userbyid(n.nspowner)) as owner
    from pg_namespace n
    where ${isUserSchema(catalog, sql`n.nspname`)} and ${isNoMember(catalog, 'pg_namespace', sql`n.oid`)}`
  return rows.map(({ oid, name, owner }) => {
    const isPublic = name === 'public'
    return {
      kind: 'schema',
      name,
      addresses: [addressOf('pg_namespace', oid)],
      statements: isPublic ? [] : [`CREATE SCHEMA ${name}`],
      ...(!(isPublic && owner === publicOwner) && {
        ownership: `ALTER SCHEMA ${name} OWNER TO ${owner}`,
      }),
    }
  })
}

/** Extensions, but for PL/pgSQL, which every database has. */
export async function readExtensions({ sql }: Catalog): Promise<SchemaObject[]> {
  const rows = await sql<{ oid: number; name: string; schema: string }[]>`
    select e.oid, quote_ident(e.extname) as name, quote_ident(n.nspname) as schema
    from pg_extension e join pg_namespace n on n.oid = e.extnamespace
    where e.extname <> 'plpgsql'`
  return rows.map(({ oid, name, schema }) => ({
    kind: 'extension',
    name,
    addresses: [addressOf('pg_extension', oid)],
    statements: [`CREATE EXTENSION IF NOT EXISTS ${name} WITH SCHEMA ${schema}`],
  }))
}

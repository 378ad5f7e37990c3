import { type Catalog, foreignOptions, isNoMember } from './catalog.ts'
import { addressOf, type SchemaObject } from './schema-object.ts'

/**
 * Foreign-data wrappers and servers. User mappings are left out: they exist to hold passwords, and any
 * of their options may be a secret.
 */
export async function readForeignData(catalog: Catalog): Promise<SchemaObject[]> {
  return [...(await readWrappers(catalog)), ...(await readServers(catalog))]
}

async function readWrappers(catalog: Catalog): Promise<SchemaObject[]> {
  const { sql } = catalog
  const named = (word: string, oid: ReturnType<typeof sql>) => sql`coalesce((
    select format(' %s %I.%I', ${word}::text, n.nspname, p.proname)
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace where p.oid = ${oid}), '')`
  const rows = await sql<{ oid: number; name: string; owner: string; definition: string }[]>`
    select w.oid, quote_ident(w.fdwname) as name, quote_ident(pg_get_userbyid(w.fdwowner)) as owner,
      ${named('HANDLER', sql`w.fdwhandler`)} || ${named('VALIDATOR', sql`w.fdwvalidator`)}
        || ${foreignOptions(catalog, sql`w.fdwoptions`)} as definition
    from pg_foreign_data_wrapper w
    where ${isNoMember(catalog, 'pg_foreign_data_wrapper', sql`w.oid`)}`
  return rows.map((row) => ({
    kind: 'foreign-data wrapper',
    name: row.name,
    addresses: [addressOf('pg_foreign_data_wrapper', row.oid)],
    statements: [`CREATE FOREIGN DATA WRAPPER ${row.name}${row.definition}`],
    ownership: `ALTER FOREIGN DATA WRAPPER ${row.name} OWNER TO ${row.owner}`,
  }))
}

async function readServers(catalog: Catalog): Promise<SchemaObject[]> {
  const { sql } = catalog
  const rows = await sql<
    { oid: number; name: string; owner: string; kind: string; wrapper: string; options: string }[]
  >`
    select s.oid, quote_ident(s.srvname) as name, quote_ident(pg_get_userbyid(s.srvowner)) as owner,
      coalesce(' TYPE ' || quote_literal(nullif(s.srvtype, '')), '')
        || coalesce(' VERSION ' || quote_literal(nullif(s.srvversion, '')), '') as kind,
      quote_ident(w.fdwname) as wrapper, ${foreignOptions(catalog, sql`s.srvoptions`)} as options
    from pg_foreign_server s join pg_foreign_data_wrapper w on w.oid = s.srvfdw
    where ${isNoMember(catalog, 'pg_foreign_server', sql`s.oid`)}`
  return rows.map((row) => ({
    kind: 'server',
    name: row.name,
    addresses: [addressOf('pg_foreign_server', row.oid)],
    statements: [
      `CREATE SERVER ${row.name}${row.kind} FOREIGN DATA WRAPPER ${row.wrapper}${row.options}`,
    ],
    ownership: `ALTER SERVER ${row.name} OWNER TO ${row.owner}`,
  }))
}

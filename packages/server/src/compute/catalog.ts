import type { Sql } from 'postgres'

import { parseVerifier } from '../lib/scram.ts'
import { superuserName } from './access-files.ts'
import { memberGroup } from './object-names.ts'
import type { CatalogDatabase, CatalogRole, ClusterCatalog } from './spec.ts'

/** The roles and databases of a running cluster, without the platform's and PostgreSQL's own. */
export async function readCatalog(sql: Sql): Promise<ClusterCatalog> {
  const roles = await sql<{ name: string; verifier: string | null; can_login: boolean }[]>`
    select rolname as name, rolpassword as verifier, rolcanlogin as can_login
    from pg_authid
    where rolname not like 'pg\\_%' and rolname not in (${superuserName}, ${memberGroup})
    order by rolname`
  const databases = await sql<{ name: string; owner: string; size_bytes: string }[]>`
    select d.datname as name, r.rolname as owner, pg_database_size(d.oid)::text as size_bytes
    from pg_database d join pg_roles r on r.oid = d.datdba
    where d.datname not in ('postgres', 'template0', 'template1') and d.datconnlimit <> -2
    order by d.datname`
  return {
    readAt: new Date().toISOString(),
    roles: roles.map((row): CatalogRole => ({
      name: row.name,
      verifier: row.verifier,
      canLogin: row.can_login,
    })),
    databases: databases.map((row): CatalogDatabase => ({
      name: row.name,
      owner: row.owner,
      sizeBytes: Number(row.size_bytes),
    })),
  }
}

/** The verifier that a client can log in with now, read from the running cluster. */
export async function readVerifier(sql: Sql, role: string): Promise<string | undefined> {
  const [row] = await sql<{ verifier: string | null }[]>`
    select rolpassword as verifier from pg_authid
    where rolname = ${role} and rolcanlogin and not rolsuper and rolname not like 'pg\\_%'`
  return usableVerifier(row?.verifier)
}

/** The same as last known. */
export function findVerifier(catalog: ClusterCatalog, role: string): string | undefined {
  const found = catalog.roles.find((one) => one.name === role && one.canLogin)
  return usableVerifier(found?.verifier)
}

function usableVerifier(verifier: string | null | undefined): string | undefined {
  return verifier && parseVerifier(verifier) !== undefined ? verifier : undefined
}

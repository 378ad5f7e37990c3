import { readFile } from 'node:fs/promises'

import type { Sql } from 'postgres'

import { errorCode } from '../lib/errors.ts'
import { writeFileAtomically } from '../lib/files.ts'
import { parseVerifier } from '../lib/scram.ts'
import { superuserName } from './access-files.ts'
import { memberGroup } from './object-names.ts'
import type { CatalogDatabase, CatalogRole, ClusterCatalog } from './spec.ts'

/**
 * The roles and databases of a cluster, kept in a file beside the compute: while it sleeps, clients are
 * authenticated against what it last knew, so that nobody without a valid password can wake it. The file
 * holds verifiers and is 0600.
 */
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

export const emptyCatalog: ClusterCatalog = {
  readAt: new Date(0).toISOString(),
  roles: [],
  databases: [],
}

/** The catalog in a file; an empty one where there is no file or it cannot be read. */
export async function loadCatalog(path: string): Promise<ClusterCatalog> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'))
    return isCatalog(value) ? value : emptyCatalog
  } catch (error) {
    // A file that is no JSON is of no use; it is written anew when the compute next runs.
    if (errorCode(error) === 'ENOENT' || error instanceof SyntaxError) return emptyCatalog
    throw error
  }
}

function isCatalog(value: unknown): value is ClusterCatalog {
  if (typeof value !== 'object' || value === null) return false
  if (!('readAt' in value && 'roles' in value && 'databases' in value)) return false
  return Array.isArray(value.roles) && Array.isArray(value.databases)
}

export async function saveCatalog(path: string, catalog: ClusterCatalog): Promise<void> {
  await writeFileAtomically(path, JSON.stringify(catalog), 0o600)
}

/** Whether anything but the time of reading differs. */
export function sameCatalog(a: ClusterCatalog, b: ClusterCatalog): boolean {
  return (
    JSON.stringify(a.roles) === JSON.stringify(b.roles) &&
    JSON.stringify(a.databases) === JSON.stringify(b.databases)
  )
}

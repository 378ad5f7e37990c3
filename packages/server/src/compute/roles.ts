import type { Sql } from 'postgres'

import { AppError, errorCode } from '../lib/errors.ts'
import { parseVerifier } from '../lib/scram.ts'
import { superuserName } from './access-files.ts'
import { checkObjectName, memberGroup, quoteIdentifier } from './object-names.ts'
import { guardReplicationFunctions } from './replication-functions.ts'
import { type Cluster, platformDatabase } from './superuser.ts'

export interface NewRole {
  name: string
  /** `SCRAM-SHA-256$…`, made by the caller; null for a role that cannot log in. */
  verifier: string | null
  /** Whether it may read the WAL: where its project has logical replication. */
  replication?: boolean
}

/**
 * Creates a role as Neon's API does, or gives the one that an earlier attempt made the same attributes
 * and password. REPLICATION, which Neon always grants, lets a role copy the whole cluster with its
 * password verifiers, were it not for the gateway's guard (docs/decisions/0011): only those have it
 * that can use it. Rejects as `requireMemberGroup` does.
 */
export async function createRole(cluster: Cluster, role: NewRole): Promise<void> {
  const name = quoteIdentifier(checkObjectName('role', role.name))
  const login = role.verifier === null ? 'nologin' : 'login'
  const password = passwordLiteral(role.verifier)
  const replication = role.replication === true ? 'replication ' : ''
  const attributes = `inherit createrole createdb bypassrls ${replication}${login} password ${password}`
  if (role.replication === true) await guardReplicationFunctions(cluster)
  await cluster.withSuperuser(platformDatabase, async (sql) => {
    await requireMemberGroup(sql)
    if (await roleExists(sql, role.name)) {
      await runSecret(sql, `alter role ${name} ${attributes}`)
      await sql.unsafe(`grant ${memberGroup} to ${name}`)
    } else {
      await runSecret(sql, `create role ${name} ${attributes} in role ${memberGroup}`)
    }
  })
}

/**
 * Lets the roles that the API has made read the WAL, once their project has logical replication, and holds
 * them to what they may ask for. Where it cannot, nobody is left with REPLICATION.
 */
export async function grantReplication(cluster: Cluster): Promise<void> {
  // Its primary's start has seen to it.
  if (await cluster.withSuperuser(platformDatabase, isStandby)) return
  try {
    await guardReplicationFunctions(cluster)
  } catch (error) {
    await cluster.withSuperuser(platformDatabase, withdrawReplication)
    throw error
  }
  await cluster.withSuperuser(platformDatabase, async (sql) => {
    const roles = await sql<{ name: string }[]>`
      select rolname as name from pg_roles
      where not rolreplication and not rolsuper and oid in (
        select m.member from pg_auth_members m join pg_roles g on g.oid = m.roleid
        where g.rolname = ${memberGroup})`
    for (const { name } of roles) {
      await sql.unsafe(`alter role ${quoteIdentifier(name)} replication`)
    }
  })
}

async function isStandby(sql: Sql): Promise<boolean> {
  const [row] = await sql<{ is_standby: boolean }[]>`select pg_is_in_recovery() as is_standby`
  return row?.is_standby === true
}

async function withdrawReplication(sql: Sql): Promise<void> {
  const roles = await sql<{ name: string }[]>`
    select rolname as name from pg_roles where rolreplication and not rolsuper`
  for (const { name } of roles) {
    await sql.unsafe(`alter role ${quoteIdentifier(name)} noreplication`)
  }
}

/** Rejects with AppError `role_not_found`. */
export async function setPassword(cluster: Cluster, name: string, verifier: string): Promise<void> {
  const role = quoteIdentifier(checkObjectName('role', name))
  await cluster.withSuperuser(platformDatabase, async (sql) => {
    await requireRole(sql, name)
    await runSecret(sql, `alter role ${role} login password ${passwordLiteral(verifier)}`)
  })
}

/** Utility statements take no parameters; a verifier holds nothing that a literal would have to escape. */
function passwordLiteral(verifier: string | null): string {
  if (verifier === null) return 'null'
  if (parseVerifier(verifier) === undefined) {
    throw new Error('a role is given a SCRAM-SHA-256 verifier, not a password')
  }
  return `'${verifier}'`
}

/** postgres.js keeps the statement on its errors, and this one holds a verifier: the rest of them goes on. */
export async function runSecret(sql: Sql, statement: string): Promise<void> {
  try {
    await sql.unsafe(statement)
  } catch (error) {
    const message = error instanceof Error ? error.message : 'the statement failed'
    // oxlint-disable-next-line preserve-caught-error -- the cause would carry the statement
    throw Object.assign(new Error(message), { code: errorCode(error) })
  }
}

/**
 * Drops a role, and gives what it owns to the owner of the database that it lies in. A missing role is
 * fine. Rejects with AppError `role_owns_objects` while it owns a database, or has something in one that
 * allows no connections. A role that stays can log in as before.
 */
export async function dropRole(cluster: Cluster, name: string): Promise<void> {
  const role = quoteIdentifier(checkObjectName('role', name))
  const shutOut = await cluster.withSuperuser(platformDatabase, async (sql) => {
    if (!(await roleExists(sql, name))) return undefined
    await refuseDatabaseOwner(sql, name)
    await refuseClosedDatabases(sql, name)
    return shutOutRole(sql, name)
  })
  if (shutOut === undefined) return
  try {
    for (const database of shutOut.databases) {
      await cluster.withSuperuser(database.name, async (sql) => {
        if (await roleExists(sql, name)) await giveUpObjects(sql, role, database)
      })
    }
    await cluster.withSuperuser(platformDatabase, async (sql) => {
      await sql.unsafe(`drop role if exists ${role}`)
    })
  } catch (error) {
    await cluster.withSuperuser(platformDatabase, async (sql) => {
      if (shutOut.couldLogIn) await sql.unsafe(`alter role ${role} login`)
    })
    throw error
  }
}

/** Nobody logs in as it, and so nobody makes new things, from here on. */
async function shutOutRole(
  sql: Sql,
  name: string,
): Promise<{ couldLogIn: boolean; databases: OwnedDatabase[] }> {
  const [row] = await sql<{ can_login: boolean }[]>`
    select rolcanlogin as can_login from pg_roles where rolname = ${name}`
  await sql.unsafe(`alter role ${quoteIdentifier(name)} nologin`)
  await sql`select pg_terminate_backend(pid) from pg_stat_activity where usename = ${name}`
  return { couldLogIn: row?.can_login === true, databases: await listDatabases(sql) }
}

interface OwnedDatabase {
  name: string
  owner: string
  is_platforms: boolean
}

async function listDatabases(sql: Sql): Promise<OwnedDatabase[]> {
  return sql<OwnedDatabase[]>`
    select d.datname as name, r.rolname as owner, r.rolsuper as is_platforms
    from pg_database d join pg_roles r on r.oid = d.datdba
    where d.datallowconn and d.datconnlimit <> -2
    order by d.datname`
}

/**
 * In a database of the platform's own, things are dropped and never given to its owner, who is the
 * superuser: a SECURITY DEFINER function would run as the superuser from then on.
 */
async function giveUpObjects(sql: Sql, role: string, database: OwnedDatabase): Promise<void> {
  if (database.is_platforms) {
    await sql.unsafe(`drop owned by ${role} cascade`)
    return
  }
  await sql.unsafe(`reassign owned by ${role} to ${quoteIdentifier(database.owner)}`)
  // What is left of it are privileges.
  await sql.unsafe(`drop owned by ${role}`)
}

async function refuseDatabaseOwner(sql: Sql, name: string): Promise<void> {
  const owned = await sql<{ name: string }[]>`
    select d.datname as name from pg_database d join pg_roles r on r.oid = d.datdba
    where r.rolname = ${name} order by 1`
  if (owned.length === 0) return
  const names = owned.map((one) => one.name).join(', ')
  throw new AppError(
    'role_owns_objects',
    `role ${name} owns these databases: ${names}; delete them or give them to another role first`,
  )
}

/** Where the platform gets in, it gives up what the role has. */
async function refuseClosedDatabases(sql: Sql, name: string): Promise<void> {
  const [closed] = await sql<{ name: string }[]>`
    select d.datname as name from pg_database d
    where not d.datallowconn and d.datname <> 'template0' and d.datconnlimit <> -2 and exists (
      select from pg_shdepend s join pg_roles r on r.oid = s.refobjid
      where s.dbid = d.oid and s.refclassid = 'pg_authid'::regclass and r.rolname = ${name})
    order by 1 limit 1`
  if (closed === undefined) return
  throw new AppError(
    'role_owns_objects',
    `role ${name} has objects or privileges in database ${closed.name}, which allows no connections: ` +
      `run \`alter database ${quoteIdentifier(closed.name)} allow_connections true\` first, or delete the database`,
  )
}

/**
 * Before 16, whoever has CREATEROLE can give the group another name. Rejects with AppError `role_not_found`
 * then, which says how to give it back.
 */
export async function requireMemberGroup(sql: Sql): Promise<void> {
  if (await roleExists(sql, memberGroup)) return
  // Only the platform passes this on in its own name.
  const [renamed] = await sql<{ name: string }[]>`
    select r.rolname as name from pg_auth_members m join pg_roles r on r.oid = m.member
    where m.roleid = 'pg_signal_backend'::regrole and m.admin_option
      and m.grantor = ${superuserName}::regrole`
  const present = quoteIdentifier(renamed?.name ?? 'its present name')
  throw new AppError(
    'role_not_found',
    `role ${memberGroup}, which the roles of a branch are members of, is not there: ` +
      `run \`alter role ${present} rename to ${memberGroup}\``,
  )
}

/** Rejects with AppError `role_not_found`. */
export async function requireRole(sql: Sql, name: string): Promise<void> {
  if (await roleExists(sql, name)) return
  throw new AppError('role_not_found', `role ${name} does not exist`)
}

export async function roleExists(sql: Sql, name: string): Promise<boolean> {
  return (await sql`select from pg_roles where rolname = ${name}`).length > 0
}

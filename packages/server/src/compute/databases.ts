import { setTimeout as delay } from 'node:timers/promises'

import type { Sql } from 'postgres'

import { AppError, errorCode } from '../lib/errors.ts'
import { checkObjectName, memberGroup, quoteIdentifier } from './object-names.ts'
import { requireMemberGroup, requireRole } from './roles.ts'
import { type Cluster, platformDatabase } from './superuser.ts'

export interface NewDatabase {
  name: string
  owner: string
}

/**
 * Creates a database, or completes the one that an earlier attempt made. Its schema `public` belongs to
 * whoever owns the database, through PostgreSQL's `pg_database_owner`, which the template sets. Rejects
 * with AppError `role_not_found` where the owner or the group of all roles is missing.
 */
export async function createDatabase(cluster: Cluster, database: NewDatabase): Promise<void> {
  const name = quoteIdentifier(checkObjectName('database', database.name))
  const owner = quoteIdentifier(checkObjectName('role', database.owner))
  await cluster.withSuperuser(platformDatabase, async (sql) => {
    await requireMemberGroup(sql)
    await requireRole(sql, database.owner)
    await dropUnfinished(sql, database.name)
    if (await databaseExists(sql, database.name)) {
      await sql.unsafe(`alter database ${name} owner to ${owner}`)
    } else {
      await sql.unsafe(`create database ${name} owner ${owner}`)
    }
    await sql.unsafe(`grant all privileges on database ${name} to ${memberGroup}`)
  })
}

/** An interrupted DROP DATABASE leaves one that cannot be used, only dropped (`datconnlimit` -2). */
async function dropUnfinished(sql: Sql, name: string): Promise<void> {
  const found = await sql`select from pg_database where datname = ${name} and datconnlimit = -2`
  if (found.length > 0) await sql.unsafe(`drop database if exists ${quoteIdentifier(name)}`)
}

/** Rejects with AppError `database_not_found` or `role_not_found`. */
export async function changeDatabaseOwner(
  cluster: Cluster,
  name: string,
  owner: string,
): Promise<void> {
  const database = quoteIdentifier(checkObjectName('database', name))
  const role = quoteIdentifier(checkObjectName('role', owner))
  await cluster.withSuperuser(platformDatabase, async (sql) => {
    await requireRole(sql, owner)
    await requireDatabase(sql, name)
    await sql.unsafe(`alter database ${database} owner to ${role}`)
  })
}

/** A session that has just been ended is there for some more milliseconds; new ones may come meanwhile. */
const renameDeadlineMs = 10_000
const renameRetryMs = 20

/** SQLSTATE of the manual's appendix A. */
const objectInUse = '55006'

/**
 * Renames a database, ending the sessions in it. Where the old name is gone and the new one is there,
 * an earlier attempt has done it. Rejects with AppError `database_not_found` or `database_exists`.
 */
export async function renameDatabase(cluster: Cluster, from: string, to: string): Promise<void> {
  checkObjectName('database', from)
  checkObjectName('database', to)
  await cluster.withSuperuser(platformDatabase, async (sql) => {
    const hasFrom = await databaseExists(sql, from)
    const hasTo = await databaseExists(sql, to)
    if (hasTo && !hasFrom) return
    if (hasTo) throw new AppError('database_exists', `database ${to} exists already`)
    await requireDatabase(sql, from)
    const deadline = performance.now() + renameDeadlineMs
    while (!(await tryRename(sql, from, to, performance.now() < deadline))) {
      await delay(renameRetryMs)
    }
  })
}

async function tryRename(sql: Sql, from: string, to: string, mayRetry: boolean): Promise<boolean> {
  await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${from}`
  try {
    await sql.unsafe(`alter database ${quoteIdentifier(from)} rename to ${quoteIdentifier(to)}`)
    return true
  } catch (error) {
    if (mayRetry && errorCode(error) === objectInUse) return false
    throw error
  }
}

/** Drops a database, ending the sessions in it, also one that is a template. A missing one is fine. */
export async function dropDatabase(cluster: Cluster, name: string): Promise<void> {
  const database = quoteIdentifier(checkObjectName('database', name))
  await cluster.withSuperuser(platformDatabase, async (sql) => {
    const templates = await sql`select from pg_database where datname = ${name} and datistemplate`
    if (templates.length > 0) await sql.unsafe(`alter database ${database} is_template false`)
    await sql.unsafe(`drop database if exists ${database} with (force)`)
  })
}

async function requireDatabase(sql: Sql, name: string): Promise<void> {
  if (await databaseExists(sql, name)) return
  throw new AppError('database_not_found', `database ${name} does not exist`)
}

async function databaseExists(sql: Sql, name: string): Promise<boolean> {
  return (await sql`select from pg_database where datname = ${name}`).length > 0
}

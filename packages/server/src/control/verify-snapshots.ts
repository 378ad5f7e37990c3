import { randomBytes } from 'node:crypto'

import postgres, { type Sql } from 'postgres'

import { diskFull } from '../compute/start-failure.ts'
import { type Cluster, platformDatabase } from '../compute/superuser.ts'
import { describeError, errorCode } from '../lib/errors.ts'
import type { Context } from './context.ts'
import { replay } from './history/replay.ts'
import { withScratch } from './history/scratch.ts'
import { requireAnyBranch } from './store/branches.ts'
import { findAnyProject } from './store/projects.ts'
import { nextUnverified, recordVerification, type SnapshotRow } from './store/snapshots.ts'

/**
 * Whether a snapshot can really be gone back to: a clone of it is started, every page of every table is
 * read, by which its checksum is checked, and tables and B-tree indexes are checked against themselves
 * (manual, "amcheck"). One snapshot at a time, in the background.
 */
export async function verifyNextSnapshot(context: Context): Promise<void> {
  const snapshot = await nextUnverified(context.store)
  if (snapshot === undefined) return
  await recordVerification(context.store, snapshot.id, { status: 'running' })
  const problems = await findProblems(context, snapshot)
  await recordVerification(
    context.store,
    snapshot.id,
    problems.length === 0
      ? { status: 'passed' }
      : { status: 'failed', detail: problems.slice(0, problemsShown).join('; ') },
  )
}

const problemsShown = 20

/** A PostgreSQL that does not live through it may have been killed, and says nothing of the snapshot then. */
const attemptsMax = 3

/** Rejects where it cannot be told, as with a pool that is full: then it is tried again later. */
async function findProblems(context: Context, snapshot: SnapshotRow): Promise<string[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await checkClone(context, snapshot)
    } catch (error) {
      const problem = problemOf(error)
      if (problem === undefined) throw error
      context.log.warn({ snapshot_id: snapshot.id, attempt, error: describeError(error) }, problem)
      if (attempt === attemptsMax) return [problem]
    }
  }
}

/** What an attempt that has ended before its time says of the snapshot, where all end so. */
class Ended extends Error {}

function problemOf(error: unknown): string | undefined {
  if (error instanceof Ended) return error.message
  return errorCode(error) === 'compute_start_failed' ? 'it does not start' : undefined
}

/** Errors of sockets and of the driver, or PostgreSQL's last words (manual, "Error Codes", class 57P). */
function isLost(error: unknown): boolean {
  return !(error instanceof postgres.PostgresError) || error.code.startsWith('57P')
}

function endedBy(error: unknown): unknown {
  // Of the pool, and not of the snapshot.
  if (errorCode(error) === diskFull) return error
  const what = isLost(error) ? 'its PostgreSQL ends while it is read' : describeError(error)
  return new Ended(what, { cause: error })
}

async function checkClone(context: Context, snapshot: SnapshotRow): Promise<string[]> {
  const branch = await requireAnyBranch(context.store, snapshot.branch_id)
  const project = await findAnyProject(context.store, snapshot.project_id)
  if (project === undefined) return []
  return withScratch(context, async (volumeId) => {
    await context.volumes.clone(branch.volume_id, volumeId)
    const options = { volumeId, pgVersion: project.pg_version, pgSettings: {} }
    return replay(context, options, checkCluster)
  })
}

async function checkCluster(cluster: Cluster): Promise<string[]> {
  try {
    return await checkDatabases(cluster)
  } catch (error) {
    throw endedBy(error)
  }
}

async function checkDatabases(cluster: Cluster): Promise<string[]> {
  const databases = await cluster.withSuperuser(
    platformDatabase,
    // One that was being dropped (-2) lets nobody in.
    async (sql) => sql<{ name: string }[]>`
      select datname as name from pg_database
      where datallowconn and datconnlimit <> -2
      order by 1`,
  )
  const problems: string[] = []
  for (const { name } of databases) {
    const found = await cluster.withSuperuser(name, checkDatabase)
    problems.push(...found.map((problem) => `${name}: ${problem}`))
  }
  return problems
}

/** In a schema of its own, whose name nobody can have taken, on a volume that is thrown away. */
async function checkDatabase(sql: Sql): Promise<string[]> {
  const schema = `coppice_verify_${randomBytes(8).toString('hex')}`
  await sql.unsafe(`create schema ${schema}`)
  await sql.unsafe(`create extension if not exists amcheck schema ${schema}`)
  const [place] = await sql<{ schema: string }[]>`
    select extnamespace::regnamespace::text as schema from pg_extension where extname = 'amcheck'`
  const relations = await sql<{ oid: string; name: string; is_index: boolean }[]>`
    select c.oid::text as oid, c.oid::regclass::text as name, c.relkind = 'i' as is_index
    from pg_class c
      left join pg_index i on i.indexrelid = c.oid
      left join pg_am a on a.oid = c.relam
    where c.relpersistence = 'p'
      and ((c.relkind in ('r', 'm', 't') and a.amname = 'heap')
        or (c.relkind = 'i' and a.amname = 'btree' and i.indisvalid and i.indisready))
    order by c.oid`
  const problems: string[] = []
  for (const relation of relations) {
    try {
      const rows = relation.is_index
        ? await sql.unsafe(`select ${place?.schema}.bt_index_check(${relation.oid}::oid::regclass)`)
        : await sql.unsafe(
            `select msg from ${place?.schema}.verify_heapam(${relation.oid}::oid::regclass)`,
          )
      if (!relation.is_index) {
        problems.push(...rows.map((row) => `${relation.name}: ${String(row['msg'])}`))
      }
    } catch (error) {
      if (isLost(error)) throw error
      problems.push(`${relation.name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return problems
}

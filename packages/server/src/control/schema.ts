import type { DatabaseTables } from '@coppice/api'

import { readCatalog } from '../compute/catalog.ts'
import { dumpSchema, findPgDump } from '../compute/pg-dump.ts'
import { type Cluster, platformDatabase } from '../compute/superuser.ts'
import { AppError } from '../lib/errors.ts'
import { renderLsn } from '../lib/lsn.ts'
import { comparePatch } from '../schema/compare-patch.ts'
import { describeTables } from '../schema/describe-tables.ts'
import { readSchema } from '../schema/read-schema.ts'
import { renderSchema } from '../schema/render-schema.ts'
import type { Context } from './context.ts'
import { atMoment } from './history/at-moment.ts'
import type { Moment } from './history/moments.ts'
import { requireBranch, requireProject } from './lookups.ts'
import { type BranchRow, findAnyBranch } from './store/branches.ts'

/** A database of a branch, now or at a moment. */
export interface SchemaPlace {
  branch: BranchRow
  moment: Moment | undefined
  database: string
}

/** How the text of a schema is made; the same for everything that is compared. */
type SchemaWriter = (cluster: Cluster, database: string) => Promise<string>

/** The schema of a database as an SQL script. Wakes the branch's compute. */
export async function getSchemaSql(context: Context, place: SchemaPlace): Promise<string> {
  const write = await chooseWriter(context, place.branch.project_id)
  const script = await schemaAt(context, place, write)
  if (script === undefined) throw databaseNotFound(place)
  return script
}

/** The tables of a database with their columns and keys. Wakes the branch's compute. */
export async function getSchemaTables(
  context: Context,
  place: SchemaPlace,
): Promise<DatabaseTables> {
  const read = async (cluster: Cluster): Promise<DatabaseTables> =>
    cluster.withSuperuser(place.database, describeTables)
  const tables = await schemaAt(context, place, read)
  if (tables === undefined) throw databaseNotFound(place)
  return tables
}

/**
 * What has to change in the schema of `base` to make that of `place`, as a unified diff; empty where
 * they are the same. A database that only one of them has is compared with an empty schema.
 */
export async function compareSchemas(
  context: Context,
  base: SchemaPlace,
  place: SchemaPlace,
): Promise<string> {
  const write = await chooseWriter(context, place.branch.project_id)
  const [old, current] = await Promise.all([
    schemaAt(context, base, write),
    schemaAt(context, place, write),
  ])
  if (old === undefined && current === undefined) throw databaseNotFound(place)
  const patch = await comparePatch(
    `Database: ${place.database}`,
    { text: old ?? '', label: labelOf(base) },
    { text: current ?? '', label: labelOf(place) },
  )
  if (patch !== undefined) return patch
  throw new AppError(
    'limit_reached',
    'the schemas have too little in common to be compared; get each of them and compare those',
  )
}

/** The branch that another is compared with unless one is named. */
export async function requireBase(
  context: Context,
  branch: BranchRow,
  baseIdOrName: string | undefined,
): Promise<BranchRow> {
  if (baseIdOrName !== undefined) return requireBranch(context, branch.project_id, baseIdOrName)
  const parent =
    branch.parent_id === null ? undefined : await findAnyBranch(context.store, branch.parent_id)
  if (parent !== undefined) return parent
  throw new AppError(
    'invalid_request',
    `branch ${branch.name} has no parent to be compared with; name another branch in base_branch_id`,
  )
}

/**
 * pg_dump where this machine has one for the project's version, else our own reading of the catalogs:
 * a choice by the machine and the version alone, so that two schemas of a project are alike.
 */
async function chooseWriter(context: Context, projectId: string): Promise<SchemaWriter> {
  const project = await requireProject(context, projectId)
  const tools = await findPgDump(context.installations, project.pg_version)
  if (tools === undefined) {
    return async (cluster, database) =>
      cluster.withSuperuser(database, async (sql) => renderSchema(await readSchema(sql)))
  }
  return async (cluster, database) =>
    // As a use of the platform's, which keeps a compute awake for as long as it takes.
    cluster.withSuperuser(platformDatabase, async () =>
      dumpSchema(tools, await cluster.socketDirectory(), database),
    )
}

/** Undefined where there is no such database. */
async function schemaAt<T>(
  context: Context,
  { branch, moment, database }: SchemaPlace,
  work: (cluster: Cluster, database: string) => Promise<T>,
): Promise<T | undefined> {
  return atMoment(context, branch, moment, async (cluster) => {
    const { databases } = await cluster.withSuperuser(platformDatabase, readCatalog)
    return databases.some((one) => one.name === database) ? work(cluster, database) : undefined
  })
}

const databaseNotFound = ({ database, branch }: SchemaPlace): AppError =>
  new AppError('database_not_found', `database ${database} does not exist on branch ${branch.name}`)

function labelOf({ branch, moment }: SchemaPlace): string {
  if (moment === undefined) return `(Branch: ${branch.id})`
  return `(Branch: ${branch.id} at ${moment.kind === 'lsn' ? renderLsn(moment.lsn) : moment.text})`
}

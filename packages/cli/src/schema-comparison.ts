import type { Branch } from '@coppice/api'
import type { Moment } from '@coppice/migrate/moment'

import type { Scope } from './context.ts'
import { defined } from './defined.ts'
import { CliError } from './errors.ts'
import { describePoint } from './point-in-time.ts'

/** A branch at a moment, as one side of a comparison. */
export interface Side {
  branch: Branch
  moment: Moment
}

/** How the schema of a database differs; the fields are those of Neon's CLI. */
export interface Comparison {
  database: string
  base_branch: string
  base_branch_id: string
  compare_branch: string
  compare_branch_id: string
  has_changes: boolean
  /** Unified, without changes empty. */
  diff: string
}

/** Compares one database, or each one that the later side has. */
export async function compareSchemas(
  scope: Scope,
  before: Side,
  after: Side,
  database: string | undefined,
): Promise<Comparison[]> {
  const comparisons: Comparison[] = []
  for (const name of database === undefined ? await databasesOf(scope, after) : [database]) {
    comparisons.push(await compareDatabase(scope, before, after, name))
  }
  return comparisons
}

async function databasesOf({ client, projectId }: Scope, { branch }: Side): Promise<string[]> {
  const path = { project_id: projectId, branch_id: branch.id }
  const { databases } = await client.listProjectBranchDatabases({ path })
  if (databases.length === 0) throw new CliError(`Branch ${branch.name} has no databases.`)
  return databases.map((database) => database.name).toSorted()
}

async function compareDatabase(
  { client, projectId }: Scope,
  before: Side,
  after: Side,
  database: string,
): Promise<Comparison> {
  const { diff = '' } = await client.getProjectBranchSchemaComparison({
    path: { project_id: projectId, branch_id: after.branch.id },
    query: defined({
      base_branch_id: before.branch.id,
      db_name: database,
      lsn: after.moment.lsn,
      timestamp: after.moment.timestamp,
      base_lsn: before.moment.lsn,
      base_timestamp: before.moment.timestamp,
    }),
  })
  const hunks = hunksOf(diff)
  return {
    database,
    base_branch: before.branch.name,
    base_branch_id: before.branch.id,
    compare_branch: after.branch.name,
    compare_branch_id: after.branch.id,
    has_changes: hunks !== '',
    diff: hunks === '' ? '' : [`--- ${label(before)}`, `+++ ${label(after)}`, hunks].join('\n'),
  }
}

/** The server names its sides after the database; the branches are what tells them apart here. */
function hunksOf(diff: string): string {
  const start = /^@@/m.exec(diff)?.index
  return start === undefined ? '' : diff.slice(start).trimEnd()
}

function label({ branch, moment }: Side): string {
  return `${describePoint(branch, moment)} (${branch.id})`
}

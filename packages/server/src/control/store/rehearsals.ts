import type { Rehearsal } from '@coppice/api'

import type { Queryable } from './store.ts'

export interface RehearsalRow {
  id: string
  project_id: string
  branch_id: string
  branch_name: string
  database_name: string
  created_at: Date
  files: string[]
  statements: number
  findings: number
  duration_ms: number
  failed: boolean
}

/** As many of a project are kept, and as long. */
const keptMax = 200
const keptDays = 90

export async function insertRehearsal(
  sql: Queryable,
  row: Omit<RehearsalRow, 'id' | 'created_at'>,
  report: Rehearsal,
): Promise<RehearsalRow> {
  const [made] = await sql<RehearsalRow[]>`
    insert into rehearsals (project_id, branch_id, branch_name, database_name, files, statements,
      findings, duration_ms, failed, report)
    values (${row.project_id}, ${row.branch_id}, ${row.branch_name}, ${row.database_name},
      ${row.files}, ${row.statements}, ${row.findings}, ${row.duration_ms}, ${row.failed},
      ${JSON.stringify(report)}::text::jsonb)
    returning ${columns(sql)}`
  if (made === undefined) throw new Error('the store answered no row')
  return made
}

/** The last first. */
export async function listRehearsals(sql: Queryable, projectId: string): Promise<RehearsalRow[]> {
  return sql<RehearsalRow[]>`
    select ${columns(sql)} from rehearsals where project_id = ${projectId}
    order by created_at desc, id limit ${keptMax}`
}

export async function findRehearsal(
  sql: Queryable,
  projectId: string,
  id: string,
): Promise<(RehearsalRow & { report: Rehearsal }) | undefined> {
  const [row] = await sql<(RehearsalRow & { report: Rehearsal })[]>`
    select ${columns(sql)}, report from rehearsals where project_id = ${projectId} and id = ${id}`
  return row
}

/** Removes what is old, and of each project what is beyond its last ones. */
export async function trimRehearsals(sql: Queryable): Promise<void> {
  await sql`
    delete from rehearsals where created_at < now() - ${keptDays} * interval '1 day' or id in (
      select id from (
        select id, row_number() over (partition by project_id order by created_at desc, id) as place
        from rehearsals) placed
      where place > ${keptMax})`
}

const columns = (sql: Queryable) => sql`
  id, project_id, branch_id, branch_name, database_name, created_at, files, statements, findings,
  duration_ms, failed`

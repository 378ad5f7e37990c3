import type { Rehearsal } from '@coppice/api'

import { AppError } from '../../lib/errors.ts'
import type { Context } from '../context.ts'
import { requireProject } from '../lookups.ts'
import * as store from '../store/rehearsals.ts'
import type { RehearsalRow } from '../store/rehearsals.ts'

export interface KeptRehearsalRow extends RehearsalRow {
  report: Rehearsal
}

/** Of which branch and database a report is. */
export interface Rehearsed {
  projectId: string
  branch: { id: string; name: string }
  database: string
}

/** Keeps a report with the last ones of its project. */
export async function keepRehearsal(
  context: Context,
  { projectId, branch, database }: Rehearsed,
  report: Rehearsal,
): Promise<KeptRehearsalRow> {
  const { files, findings, error } = report
  const row = await store.insertRehearsal(
    context.store,
    {
      project_id: projectId,
      branch_id: branch.id,
      branch_name: branch.name,
      database_name: database,
      files: files.map(({ name }) => name),
      statements: files.reduce((sum, file) => sum + file.statements.length, 0),
      findings: findings.length,
      duration_ms: files.reduce((sum, file) => sum + file.duration_ms, 0),
      failed: error !== null,
    },
    report,
  )
  return { ...row, report }
}

export async function listRehearsals(context: Context, projectId: string): Promise<RehearsalRow[]> {
  await requireProject(context, projectId)
  return store.listRehearsals(context.store, projectId)
}

export async function getRehearsal(
  context: Context,
  projectId: string,
  id: string,
): Promise<KeptRehearsalRow> {
  const row = await store.findRehearsal(context.store, projectId, id)
  if (row !== undefined) return row
  await requireProject(context, projectId)
  throw new AppError(
    'rehearsal_not_found',
    `there is no report of rehearsal ${id}; the last 200 of a project are kept, for 90 days`,
  )
}

/** A reconciler. */
export async function trimOldRehearsals(context: Context): Promise<void> {
  await store.trimRehearsals(context.store)
}

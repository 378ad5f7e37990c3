import { AppError } from '../lib/errors.ts'
import type { Context } from './context.ts'
import * as branches from './store/branches.ts'
import type { BranchRow } from './store/branches.ts'
import { findAnyProject, findProject, type ProjectRow } from './store/projects.ts'
import type { Queryable } from './store/store.ts'

/** Rows by id or name, or the error that says what is missing and how to get it back. */

export async function requireProject(context: Context, id: string): Promise<ProjectRow> {
  const project = await findProject(context.store, id)
  if (project !== undefined) return project
  throw projectNotFound(id, await findAnyProject(context.store, id))
}

export const projectNotFound = (id: string, known: ProjectRow | undefined): AppError =>
  new AppError(
    'project_not_found',
    known?.deleted_at
      ? `project ${id} is deleted; bring it back with \`neon projects recover ${id}\``
      : `project ${id} does not exist`,
  )

export async function requireBranch(
  context: Context,
  projectId: string,
  idOrName: string,
): Promise<BranchRow> {
  const branch = await branches.findBranch(context.store, projectId, idOrName)
  if (branch !== undefined) return branch
  await requireProject(context, projectId)
  const deleted = await branches.findDeletedBranch(context.store, projectId, idOrName)
  if (deleted === undefined) throw branchNotFound(idOrName)
  throw new AppError(
    'branch_not_found',
    `branch ${idOrName} is deleted; bring it back with \`neon branches recover ${deleted.id}\``,
  )
}

export async function requireDefaultBranch(
  context: Context,
  projectId: string,
): Promise<BranchRow> {
  const branch = await branches.findDefaultBranch(context.store, projectId)
  if (branch !== undefined) return branch
  await requireProject(context, projectId)
  throw new Error(`project ${projectId} has no default branch`)
}

/** A branch that an operation is told of: it may have been deleted for good since that was asked for. */
export async function requireRemaining(context: Context, id: string): Promise<BranchRow> {
  const branch = await branches.findAnyBranch(context.store, id)
  if (branch !== undefined) return branch
  throw branchNotFound(id)
}

/** Holds a branch against deletion for a transaction; rejects where that came first. */
export async function holdLiveBranch(sql: Queryable, { id, name }: BranchRow): Promise<void> {
  if ((await branches.lockLiveBranch(sql, id)) === undefined) throw branchNotFound(name)
}

export const branchNotFound = (name: string): AppError =>
  new AppError('branch_not_found', `branch ${name} does not exist`)

export const branchExists = (name: string): AppError =>
  new AppError(
    'branch_exists',
    `branch ${name} already exists in this project; choose another name`,
  )

import { withCauseUnlessKnown } from '../../lib/cause.ts'
import { AppError, describeError } from '../../lib/errors.ts'
import { failpoint } from '../../lib/failpoint.ts'
import type { Context } from '../context.ts'
import { projectNotFound } from '../lookups.ts'
import {
  findOperation,
  listOpenOperations,
  type OperationRow,
  setOperationStatus,
} from '../store/operations.ts'
import { findAnyProject } from '../store/projects.ts'
import { kindOf } from './kinds.ts'

/**
 * Runs an operation to its end, one at a time for each branch, and answers its last state. Rejects
 * with what a step rejected with, after undoing where the kind can be undone.
 */
export async function runOperation(
  context: Context,
  operation: OperationRow,
): Promise<OperationRow> {
  return context.locks.run(lockOf(operation), async () => {
    if (operation.status !== 'running') {
      await setOperationStatus(context.store, operation.id, 'running')
    }
    try {
      const cause = { reason: 'operation', detail: operation.action }
      await withCauseUnlessKnown(cause, async () => runSteps(context, operation))
    } catch (error) {
      await fail(context, operation, error)
      throw await explain(context, operation, error)
    }
    return (await setOperationStatus(context.store, operation.id, 'finished')) ?? operation
  })
}

/** Runs it beside the request; its end is in the row, a failure in the log. */
export function runInBackground(context: Context, operation: OperationRow): void {
  runOperation(context, operation).catch((error: unknown) => {
    context.log.warn(
      { operation_id: operation.id, action: operation.action, error: describeError(error) },
      'operation failed',
    )
  })
}

const lockOf = ({ branch_id, project_id }: OperationRow): string => branch_id ?? project_id

/** Finishes or undoes what a crash left. Called once, before the API listens. */
export async function recoverOperations(context: Context): Promise<number> {
  const open = await listOpenOperations(context.store)
  for (const operation of open) await recoverOperation(context, operation)
  return open.length
}

/**
 * The same for what this process has let go of: the store did not answer when the operation's end was to be
 * recorded, or its failure undone. What somebody works on has its lock, so that an operation which is open
 * and without it twice in a row is in nobody's hands: from its row to those are milliseconds.
 */
export function createLeftOperationsRecoverer(): (context: Context) => Promise<void> {
  let seen = new Set<string>()
  return async function recoverLeftOperations(context) {
    const isHeld = (operation: OperationRow): boolean => context.locks.isHeld(lockOf(operation))
    const idle = (await listOpenOperations(context.store)).filter((one) => !isHeld(one))
    const left = idle.filter(({ id }) => seen.has(id))
    seen = new Set(idle.map(({ id }) => id))
    for (const { project_id, id } of left) {
      // It may have ended while the one before it was recovered.
      const operation = await findOperation(context.store, project_id, id)
      if (operation === undefined || operation.finished_at !== null || isHeld(operation)) continue
      await recoverOperation(context, operation)
    }
  }
}

/** Never rejects: what could not be recovered stays open for the next time. */
async function recoverOperation(context: Context, operation: OperationRow): Promise<void> {
  const kind = kindOf(operation)
  const { id, action } = operation
  try {
    const onCrash =
      typeof kind.onCrash === 'string' ? kind.onCrash : await kind.onCrash(context, operation)
    context.log.info({ operation_id: id, action, on_crash: onCrash }, 'recovering operation')
    if (onCrash === 'finish') await runOperation(context, operation)
    else {
      await context.locks.run(lockOf(operation), async () => kind.undo?.(context, operation))
      await setOperationStatus(context.store, id, 'cancelled', 'interrupted by a restart')
    }
  } catch (error) {
    // `runOperation` has recorded its own failure.
    context.log.error({ operation_id: id, error: describeError(error) }, 'recovery failed')
  }
}

async function runSteps(context: Context, operation: OperationRow): Promise<void> {
  const kind = kindOf(operation)
  for (const step of kind.steps) {
    failpoint(`${operation.action}:${step.name}:before`)
    await step.run(context, operation)
    failpoint(`${operation.action}:${step.name}:after`)
  }
}

/** That its project was deleted meanwhile says more than what an operation ran into then. */
async function explain(
  context: Context,
  operation: OperationRow,
  error: unknown,
): Promise<unknown> {
  // This one makes the project, and has just unmade it.
  if (operation.action === 'create_timeline') return error
  const project = await findAnyProject(context.store, operation.project_id)
  if (project !== undefined && project.deleted_at === null) return error
  return projectNotFound(operation.project_id, project)
}

async function fail(context: Context, operation: OperationRow, error: unknown): Promise<void> {
  const message = error instanceof AppError ? error.message : 'internal error'
  const kind = kindOf(operation)
  try {
    if (await kind.mustFinish?.(context, operation)) {
      context.log.warn(
        { operation_id: operation.id, error: describeError(error) },
        'an operation is past its undoing, and will be gone on with',
      )
      return
    }
    await kind.undo?.(context, operation)
    await setOperationStatus(context.store, operation.id, 'failed', message)
  } catch (undoError) {
    // The row stays open: it is gone on with or undone as soon as that works.
    context.log.error(
      { operation_id: operation.id, error: describeError(undoError) },
      'undoing an operation failed',
    )
  }
}

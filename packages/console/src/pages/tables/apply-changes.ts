import { runSql, SqlError, type SqlPlace } from '../../api/run-sql.ts'
import {
  type Change,
  divisionByZero,
  renderTransaction,
  type RowVersion,
  type Values,
} from '../../sql/transaction.ts'
import type { Pending } from './pending.ts'
import { readDetails, readWholeRow } from './table-queries.ts'

/** A lock that somebody holds is not waited for longer. */
const timeoutSeconds = 30

/** Why nothing was changed. */
export interface ChangeFailure {
  /** Undefined where it is of none: of COMMIT, as deferred constraints are. */
  change: Change | undefined
  message: string
  detail?: string | undefined
  hint?: string | undefined
  /** SQLSTATE, where it is PostgreSQL that objects. */
  code?: string | undefined
  /** The row as it is now, where somebody has changed it. */
  present?: { row: RowVersion; values: Values } | undefined
}

/**
 * Runs all changes in one transaction; undefined where it has committed. Rejects with ApiError where it
 * could not be begun, or where it is not known how it ended.
 */
export async function applyChanges(
  place: SqlPlace,
  pending: Pending,
): Promise<ChangeFailure | undefined> {
  try {
    await runSql(place, renderTransaction(pending), { readOnly: false, timeoutSeconds })
    return undefined
  } catch (error) {
    if (!(error instanceof SqlError)) throw error
    const { message, detail, hint, code, statement } = error.line
    const change = pending[statement - 1]
    if (change && change.kind !== 'insert' && code === divisionByZero) {
      const conflict = await conflictOf(place, change)
      if (conflict) return conflict
    }
    return { change, message, detail, hint, code }
  }
}

async function conflictOf(
  place: SqlPlace,
  change: Exclude<Change, { kind: 'insert' }>,
): Promise<ChangeFailure | undefined> {
  const details = await readDetails(place, change.table)
  const present = details && (await readWholeRow(place, details, change.row.key))
  if (!present?.version) {
    return { change, message: 'This row is not there any more, or you may not see it now.' }
  }
  if (present.version.xmin !== change.row.xmin) {
    return {
      change,
      message: 'Somebody has changed this row since you read it.',
      present: { row: present.version, values: present.values },
    }
  }
  return {
    change,
    message:
      'This row is as you read it and was not changed all the same: a trigger or a policy of row security holds it back, or another change of this transaction has changed it first.',
  }
}

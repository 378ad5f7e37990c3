import { indexOfCharacter } from '@coppice/migrate/statements'

import type { WireReport } from './statement-run.ts'

/** What an error or a notice says, as the API names it; what is not said is left out. */
export function reportOf(report: WireReport) {
  const { detail, hint, where, schema, table, column, constraint } = report
  return {
    severity: report.severity ?? 'ERROR',
    code: report.code ?? 'XX000',
    message: report.message ?? '',
    ...(detail !== undefined && { detail }),
    ...(hint !== undefined && { hint }),
    ...(where !== undefined && { where }),
    ...(schema !== undefined && { schema }),
    ...(table !== undefined && { table }),
    ...(column !== undefined && { column }),
    ...(constraint !== undefined && { constraint }),
  }
}

/**
 * Where PostgreSQL points at, in the whole text: it counts code points from 1, from the beginning of the
 * statement that it was sent.
 */
export function placeOf(
  sql: string,
  start: number,
  position: string | undefined,
): number | undefined {
  if (position === undefined) return undefined
  return start + indexOfCharacter(sql.slice(start), Number(position) - 1)
}

/** A command tag taken apart: `INSERT 0 3`, `SELECT 5`, `CREATE TABLE`. */
export function readTag(tag: string | undefined): { command: string; row_count: number | null } {
  const [, command = '', , count] = /^([A-Z ]*[A-Z])((?: \d+)*?(?: (\d+)))?$/.exec(tag ?? '') ?? []
  return { command, row_count: count === undefined ? null : Number(count) }
}

/** One reading query on a branch, as it is or as it was. */
import { type SqlPlace, streamSql } from '../../api/run-sql.ts'
import type { Result, Row } from './compare-rows.ts'

export interface ReadResult extends Result {
  /** Whether there are more rows than were read. */
  isCut: boolean
}

/** Of one side: two tables of these can be compared by eye. */
export const rowsMax = 500
const timeoutSeconds = 60

/** The rows of the first statement that has any. Rejects as `streamSql` does. */
export async function readRows(
  place: SqlPlace,
  sql: string,
  signal: AbortSignal,
  max = rowsMax,
): Promise<ReadResult> {
  let of: number | undefined
  let columns: Result['columns'] = []
  const rows: Row[] = []
  for await (const line of streamSql(place, sql, { readOnly: true, timeoutSeconds, signal })) {
    if (line.type === 'columns' && of === undefined) {
      of = line.statement
      columns = line.columns
    }
    if (line.type === 'rows' && line.statement === of) rows.push(...line.rows)
    const isOver = line.type === 'complete' && line.statement === of
    if (isOver || rows.length > max) break
  }
  return { columns, rows: rows.slice(0, max), isCut: rows.length > max }
}

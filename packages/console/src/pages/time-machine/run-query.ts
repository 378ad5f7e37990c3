/** One reading query on a branch, as it is or as it was. */
import type { QueryLine } from '@coppice/api'

import { api } from '../../api/client.ts'
import { type Moment, momentFields } from '../../ui/moment.ts'
import type { Result, Row } from './compare-rows.ts'

export interface Place {
  projectId: string
  branchId: string
  database: string
  role: string | undefined
  /** The present without one. */
  moment: Moment | undefined
}

export interface ReadResult extends Result {
  /** Whether there are more rows than were read. */
  isCut: boolean
}

/** Of one side: two tables of these can be compared by eye. */
export const rowsMax = 500

/** A statement that PostgreSQL has refused. Its message is PostgreSQL's own. */
export class StatementError extends Error {}

/** The rows of the first statement that has any. Rejects with `StatementError` or as the client does. */
export async function readRows(
  place: Place,
  sql: string,
  signal: AbortSignal,
  max = rowsMax,
): Promise<ReadResult> {
  const { projectId: project_id, branchId: branch_id, database, role, moment } = place
  const stop = new AbortController()
  const lines = await api.queryProjectBranch({
    path: { project_id, branch_id },
    body: {
      sql,
      db_name: database,
      ...(role !== undefined && { role_name: role }),
      ...(moment && momentFields(moment)),
      read_only: true,
      timeout_seconds: 60,
    },
    signal: AbortSignal.any([signal, stop.signal]),
  })
  return collect(lines, max).finally(() => stop.abort())
}

async function collect(lines: AsyncIterable<QueryLine>, max: number): Promise<ReadResult> {
  let of: number | undefined
  let columns: Result['columns'] = []
  const rows: Row[] = []
  for await (const line of lines) {
    if (line.type === 'error') throw new StatementError(describe(line))
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

const describe = ({ message, hint }: Extract<QueryLine, { type: 'error' }>): string =>
  hint === undefined ? message : `${message}. ${hint}`

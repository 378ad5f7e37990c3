import type { QueryColumn, QueryLine } from '@coppice/api'
import { ApiError } from '@coppice/api/client'

import { api } from './client.ts'

/** Where SQL runs: a database of a branch, as a role, now or at a moment. */
export interface SqlPlace {
  projectId: string
  branchId: string
  database: string
  role: string
  /** RFC 3339; now without it. */
  at?: string | undefined
}

interface SqlOptions {
  readOnly: boolean
  timeoutSeconds: number
  signal?: AbortSignal | undefined
}

/** What one statement has answered. */
interface SqlResult {
  columns: readonly QueryColumn[]
  rows: (string | null)[][]
}

type ErrorLine = Extract<QueryLine, { type: 'error' }>

/** PostgreSQL objects to a statement. `code` is the SQLSTATE. */
export class SqlError extends ApiError {
  readonly line: ErrorLine

  constructor(line: ErrorLine) {
    // What was asked for is wrong, so asking again would not better it.
    super(400, { code: line.code, message: line.message })
    this.name = 'SqlError'
    this.line = line
  }
}

/** Runs statements and holds what they answer: for what fits a screen. Rejects with SqlError, ApiError. */
export async function runSql(
  place: SqlPlace,
  sql: string,
  { readOnly, timeoutSeconds, signal }: SqlOptions,
): Promise<SqlResult[]> {
  const results: SqlResult[] = []
  for await (const line of await api.queryProjectBranch({
    path: { project_id: place.projectId, branch_id: place.branchId },
    body: {
      sql,
      db_name: place.database,
      role_name: place.role,
      read_only: readOnly,
      timeout_seconds: timeoutSeconds,
      ...(place.at !== undefined && { timestamp: place.at }),
    },
    ...(signal && { signal }),
  })) {
    if (line.type === 'error') throw new SqlError(line)
    if (line.type === 'statement') results.push({ columns: [], rows: [] })
    const result = results.at(-1)
    if (result && line.type === 'columns')
      results[results.length - 1] = { ...result, columns: line.columns }
    if (line.type === 'rows') result?.rows.push(...line.rows)
    if (line.type === 'end') return results
  }
  throw new ApiError(502, {
    code: 'internal',
    message: 'the answer was cut off: the platform or the compute has stopped',
  })
}

/** What rows of one column of JSON say. */
export async function runJson<T>(
  place: SqlPlace,
  sql: string,
  signal: AbortSignal | undefined,
): Promise<T[]> {
  const [result] = await runSql(place, sql, { readOnly: true, timeoutSeconds: 60, signal })
  return (result?.rows ?? []).flatMap(([json]) => (json ? [JSON.parse(json) as T] : []))
}

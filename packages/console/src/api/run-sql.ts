import type { QueryColumn, QueryLine } from '@coppice/api'
import { ApiError } from '@coppice/api/client'

import { api } from './client.ts'

/** Where SQL runs: a database of a branch, now or at a moment. */
export interface SqlPlace {
  projectId: string
  branchId: string
  database: string
  /** The database's owner without it. */
  role?: string | undefined
  /** RFC 3339; now without it. */
  at?: string | undefined
  /** In the place of `at`. */
  lsn?: string | undefined
}

interface SqlOptions {
  readOnly: boolean
  timeoutSeconds: number
  /** Whether it may wake the compute, which it keeps awake then. */
  mayWake?: boolean
  signal?: AbortSignal | undefined
}

/** What one statement has answered. */
export interface SqlResult {
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

/**
 * What statements answer, line by line, to be left at any time: what runs then is cancelled. Rejects with
 * SqlError for what PostgreSQL objects to, with ApiError for the rest.
 */
export async function* streamSql(
  place: SqlPlace,
  sql: string,
  { readOnly, timeoutSeconds, mayWake = true, signal }: SqlOptions,
): AsyncGenerator<Exclude<QueryLine, ErrorLine>> {
  const lines = await api.queryProjectBranch({
    path: { project_id: place.projectId, branch_id: place.branchId },
    body: {
      sql,
      db_name: place.database,
      read_only: readOnly,
      timeout_seconds: timeoutSeconds,
      ...(place.role !== undefined && { role_name: place.role }),
      ...(place.at !== undefined && { timestamp: place.at }),
      ...(place.lsn !== undefined && { lsn: place.lsn }),
      ...(!mayWake && { wake: false }),
    },
    ...(signal && { signal }),
  })
  for await (const line of lines) {
    if (line.type === 'error') throw new SqlError(line)
    yield line
    if (line.type === 'end') return
  }
  throw new ApiError(502, {
    code: 'internal',
    message: 'the answer was cut off: the platform or the compute has stopped',
  })
}

/** Runs statements and holds what they answer: for what fits a screen. Rejects as `streamSql` does. */
export async function runSql(
  place: SqlPlace,
  sql: string,
  options: SqlOptions,
): Promise<SqlResult[]> {
  const results: SqlResult[] = []
  for await (const line of streamSql(place, sql, options)) {
    if (line.type === 'statement') results.push({ columns: [], rows: [] })
    const result = results.at(-1)
    if (result && line.type === 'columns') result.columns = line.columns
    if (line.type === 'rows') result?.rows.push(...line.rows)
  }
  return results
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

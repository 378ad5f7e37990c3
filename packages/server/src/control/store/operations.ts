import type { OperationAction, OperationStatus } from '@coppice/api'

import type { Queryable } from './store.ts'

export interface OperationRow {
  id: string
  project_id: string
  branch_id: string | null
  endpoint_id: string | null
  action: OperationAction
  status: OperationStatus
  input: Record<string, unknown>
  error: string | null
  failures_count: number
  created_at: Date
  updated_at: Date
  finished_at: Date | null
}

export interface NewOperation {
  project_id: string
  branch_id?: string
  endpoint_id?: string
  action: OperationAction
  input?: Record<string, string | boolean | null>
  /** `running` for one that is run at once, which saves a commit on the caller's way. */
  status?: 'scheduling' | 'running'
}

export async function insertOperation(
  sql: Queryable,
  operation: NewOperation,
): Promise<OperationRow> {
  const [row] = await sql<OperationRow[]>`
    insert into operations ${sql({ ...operation, input: sql.json(operation.input ?? {}) })}
    returning *`
  if (row === undefined) throw new Error('the store answered no row for a new operation')
  return row
}

/**
 * Not waited for on disk: a status that a power cut takes back leaves the operation open, and what is
 * open is finished or undone at the next start, for which finding it done is an ordinary case.
 */
export async function setOperationStatus(
  sql: Queryable,
  id: string,
  status: OperationStatus,
  error: string | null = null,
): Promise<OperationRow | undefined> {
  const isFinal = !['scheduling', 'running', 'cancelling'].includes(status)
  const [row] = await sql<OperationRow[]>`
    update operations set
      status = ${status}, error = ${error}, updated_at = clock_timestamp(),
      failures_count = failures_count + ${error === null ? 0 : 1},
      finished_at = ${isFinal ? sql`clock_timestamp()` : sql`null`}
    from (select set_config('synchronous_commit', 'off', true)) relaxed
    where id = ${id} returning operations.*`
  return row
}

/** Adds what a step has found out for those after it. */
export async function addOperationInput(
  sql: Queryable,
  id: string,
  input: Record<string, string | null>,
): Promise<void> {
  await sql`update operations set input = input || ${sql.json(input)} where id = ${id}`
}

export async function findOperation(
  sql: Queryable,
  projectId: string,
  id: string,
): Promise<OperationRow | undefined> {
  const [row] = await sql<OperationRow[]>`
    select * from operations where project_id = ${projectId} and id = ${id}`
  return row
}

/** Newest first; `beforeId` is the last of the page before. */
export async function listOperations(
  sql: Queryable,
  projectId: string,
  query: { limit: number; beforeId?: string | undefined },
): Promise<OperationRow[]> {
  return sql<OperationRow[]>`
    select * from operations where project_id = ${projectId}
    ${query.beforeId === undefined ? sql`` : sql`and (created_at, id) < (select created_at, id from operations where id = ${query.beforeId})`}
    order by created_at desc, id desc limit ${query.limit}`
}

/** Unfinished ones, oldest first. */
export async function listOpenOperations(sql: Queryable): Promise<OperationRow[]> {
  return sql<OperationRow[]>`
    select * from operations where status in ('scheduling', 'running') order by created_at, id`
}

/** Operations are kept for at least six months, as on Neon. */
export async function trimOperations(sql: Queryable): Promise<void> {
  await sql`
    delete from operations
    where created_at < now() - interval '7 months' and status not in ('scheduling', 'running')`
}

import type { AnonymizedState, MaskingRule } from '@coppice/api'

import type { Queryable } from './store.ts'

export interface AnonymizedBranchRow {
  branch_id: string
  source_branch_id: string
  source_timestamp: string | null
  source_lsn: string | null
  masking_rules: MaskingRule[]
  key_sealed: Uint8Array
  state: AnonymizedState
  status_message: string | null
  created_at: Date
  updated_at: Date
  failed_at: Date | null
  run_started_at: Date | null
  run_completed_at: Date | null
  run_masked_columns: number | null
}

export type NewAnonymizedBranch = Pick<
  AnonymizedBranchRow,
  'source_branch_id' | 'source_timestamp' | 'source_lsn' | 'masking_rules' | 'key_sealed'
>

export async function insertAnonymizedBranch(
  sql: Queryable,
  branchId: string,
  { masking_rules, ...row }: NewAnonymizedBranch,
): Promise<void> {
  const rules = sql.json(masking_rules as never)
  await sql`
    insert into anonymized_branches ${sql({ ...row, branch_id: branchId, masking_rules: rules })}`
}

export async function findAnonymizedBranch(
  sql: Queryable,
  branchId: string,
): Promise<AnonymizedBranchRow | undefined> {
  const [row] = await sql<AnonymizedBranchRow[]>`
    select * from anonymized_branches where branch_id = ${branchId}`
  return row
}

export async function setMaskingRules(
  sql: Queryable,
  branchId: string,
  rules: readonly MaskingRule[],
): Promise<void> {
  await sql`
    update anonymized_branches set masking_rules = ${sql.json(rules as never)}, updated_at = now()
    where branch_id = ${branchId}`
}

/** Answers whether it was not going on already. */
export async function beginRun(sql: Queryable, branchId: string): Promise<boolean> {
  const rows = await sql`
    update anonymized_branches set state = 'anonymizing', status_message = null, failed_at = null,
      run_started_at = now(), run_completed_at = null, run_masked_columns = null, updated_at = now()
    where branch_id = ${branchId} and state <> 'anonymizing' returning branch_id`
  return rows.length > 0
}

export async function reportRun(sql: Queryable, branchId: string, message: string): Promise<void> {
  await sql`
    update anonymized_branches set status_message = ${message}, updated_at = now()
    where branch_id = ${branchId} and state = 'anonymizing'`
}

/** With what was masked, as the run ends well; the moment that it was of is used up. */
export async function recordMasked(
  sql: Queryable,
  branchId: string,
  { columns, message }: { columns: number; message: string | null },
): Promise<void> {
  await sql`
    update anonymized_branches set run_masked_columns = ${columns}, status_message = ${message},
      source_timestamp = null, source_lsn = null, updated_at = now()
    where branch_id = ${branchId}`
}

/** Once, whatever else is tried afterwards. */
export async function endRun(sql: Queryable, branchId: string, failure?: string): Promise<void> {
  const hasFailed = failure !== undefined
  await sql`
    update anonymized_branches set state = ${hasFailed ? 'error' : 'anonymized'},
      status_message = coalesce(${failure ?? null}, status_message),
      failed_at = ${hasFailed ? sql`now()` : null}, run_completed_at = now(), updated_at = now()
    where branch_id = ${branchId} and state = 'anonymizing'`
}

/** The anonymized branch that a branch is or comes from; undefined for one that holds data as it is. */
export async function findAnonymizedOrigin(
  sql: Queryable,
  branchId: string,
): Promise<string | undefined> {
  const [row] = await sql<{ id: string }[]>`
    with recursive line (id, parent_id, depth) as (
      select id, parent_id, 0 from branches where id = ${branchId}
      union all
      select b.id, b.parent_id, depth + 1 from branches b join line on b.id = line.parent_id
      where depth < 1000)
    select line.id from line join anonymized_branches a on a.branch_id = line.id
    order by depth limit 1`
  return row?.id
}

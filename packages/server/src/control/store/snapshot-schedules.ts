import type { BackupScheduleItem } from '@coppice/api'

import type { Queryable } from './store.ts'

export interface ScheduleRow {
  branch_id: string
  items: BackupScheduleItem[]
  /** Up to when it has been carried out. */
  checked_at: Date
}

export async function putSchedule(
  sql: Queryable,
  branchId: string,
  items: readonly BackupScheduleItem[],
): Promise<void> {
  if (items.length === 0) {
    await sql`delete from snapshot_schedules where branch_id = ${branchId}`
    return
  }
  await sql`
    insert into snapshot_schedules (branch_id, items) values (${branchId}, ${sql.json([...items])})
    on conflict (branch_id) do update set items = excluded.items, checked_at = now()`
}

export async function findSchedule(
  sql: Queryable,
  branchId: string,
): Promise<ScheduleRow | undefined> {
  const [row] = await sql<ScheduleRow[]>`
    select * from snapshot_schedules where branch_id = ${branchId}`
  return row
}

/** Schedules of live branches. */
export async function listSchedules(
  sql: Queryable,
): Promise<(ScheduleRow & { project_id: string })[]> {
  return sql<(ScheduleRow & { project_id: string })[]>`
    select s.*, b.project_id from snapshot_schedules s
      join branches b on b.id = s.branch_id join projects p on p.id = b.project_id
    where b.deleted_at is null and b.ready_at is not null and p.deleted_at is null`
}

export async function recordScheduleChecked(
  sql: Queryable,
  branchId: string,
  at: Date,
): Promise<void> {
  await sql`update snapshot_schedules set checked_at = ${at} where branch_id = ${branchId}`
}

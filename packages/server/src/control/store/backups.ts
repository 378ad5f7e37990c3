import type { BranchRow } from './branches.ts'
import type { Queryable } from './store.ts'

/** What a backup needs to know of a line: its volume, where it came from, whose it is. */
export interface BackupLineRow extends Pick<
  BranchRow,
  'volume_id' | 'origin_volume_id' | 'origin_time'
> {
  branch_id: string
  name: string
  project_id: string
  pg_version: number
  /** Whether users see it: neither deleted nor the data of a snapshot. */
  is_listed: boolean
}

/** The lines of all branches that are whole, deleted ones that can come back included, the oldest first. */
export async function listBackupLines(sql: Queryable): Promise<BackupLineRow[]> {
  return sql<BackupLineRow[]>`
    select b.volume_id, b.origin_volume_id, b.origin_time, b.id as branch_id, b.name, b.project_id, p.pg_version,
      b.deleted_at is null and b.snapshot_id is null and p.deleted_at is null as is_listed
    from branches b join projects p on p.id = b.project_id
    where b.ready_at is not null
    order by b.created_at, b.id`
}

/** Every clone that recoveries begin with, the oldest first. */
export async function listBackupSnapshots(
  sql: Queryable,
): Promise<{ id: string; line: string; taken_at: Date }[]> {
  return sql<{ id: string; line: string; taken_at: Date }[]>`
    select id, line, taken_at from line_snapshots where taken_at is not null order by taken_at, id`
}

/** Forgets the clones that a backup did not bring; recoveries begin with the others. */
export async function keepOnlySnapshots(sql: Queryable, ids: readonly string[]): Promise<void> {
  await sql`delete from line_snapshots where id <> all (${[...ids]})`
}

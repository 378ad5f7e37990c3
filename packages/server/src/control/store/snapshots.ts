import type { Queryable } from './store.ts'

export interface SnapshotRow {
  id: string
  project_id: string
  source_branch_id: string | null
  name: string
  slug: string | null
  lsn: string | null
  timestamp: Date | null
  manual: boolean
  expires_at: Date | null
  verification: 'pending' | 'running' | 'passed' | 'failed'
  verified_at: Date | null
  verification_detail: string | null
  ready_at: Date | null
  created_at: Date
  /** Of the hidden branch that is its data. */
  branch_id: string
  logical_size_bytes: number | null
}

export type NewSnapshot = Pick<
  SnapshotRow,
  'id' | 'project_id' | 'source_branch_id' | 'name' | 'slug' | 'manual' | 'expires_at'
>

/** Rejects with a unique violation where the project has a snapshot of that slug. */
export async function insertSnapshot(sql: Queryable, snapshot: NewSnapshot): Promise<void> {
  await sql`insert into snapshots ${sql(snapshot)}`
}

const select = (sql: Queryable) => sql`
  select s.*, b.id as branch_id, b.logical_size_bytes
  from snapshots s join branches b on b.snapshot_id = s.id`

/** Those that are whole, newest first. */
export async function listSnapshots(sql: Queryable, projectId: string): Promise<SnapshotRow[]> {
  return sql<SnapshotRow[]>`
    ${select(sql)} where s.project_id = ${projectId} and s.ready_at is not null
    order by s.created_at desc, s.id`
}

export async function findSnapshot(
  sql: Queryable,
  projectId: string,
  id: string,
): Promise<SnapshotRow | undefined> {
  const [row] = await sql<SnapshotRow[]>`
    ${select(sql)} where s.project_id = ${projectId} and s.id = ${id} and s.ready_at is not null`
  return row
}

/** From here on the snapshot is listed. */
export async function markSnapshotReady(
  sql: Queryable,
  id: string,
  at: { lsn: string | null; timestamp: Date },
): Promise<void> {
  await sql`
    update snapshots set lsn = ${at.lsn}, "timestamp" = ${at.timestamp}, ready_at = now()
    where id = ${id} and ready_at is null`
}

/** From here on it is not listed any more; what is left of it is removed with its data. */
export async function hideSnapshot(sql: Queryable, id: string): Promise<void> {
  await sql`update snapshots set ready_at = null, expires_at = null where id = ${id}`
}

/** The same for one whose end has come; answers whether it has. */
export async function hideExpiredSnapshot(sql: Queryable, id: string): Promise<boolean> {
  const rows = await sql`
    update snapshots set ready_at = null, expires_at = null
    where id = ${id} and expires_at <= now() and ready_at is not null
    returning id`
  return rows.length > 0
}

export async function updateSnapshot(
  sql: Queryable,
  id: string,
  change: { name?: string | undefined; expires_at?: Date | null | undefined },
): Promise<void> {
  await sql`
    update snapshots set
      name = coalesce(${change.name ?? null}, name),
      expires_at = ${change.expires_at === undefined ? sql`expires_at` : change.expires_at}
    where id = ${id}`
}

export async function listExpiredSnapshots(sql: Queryable): Promise<SnapshotRow[]> {
  return sql<SnapshotRow[]>`
    ${select(sql)} where s.expires_at <= now() and s.ready_at is not null order by s.expires_at`
}

/** The oldest that has not been verified; one that was being verified when the platform ended counts. */
export async function nextUnverified(sql: Queryable): Promise<SnapshotRow | undefined> {
  const [row] = await sql<SnapshotRow[]>`
    ${select(sql)} where s.ready_at is not null and s.verification in ('pending', 'running')
    order by s.created_at limit 1`
  return row
}

export async function recordVerification(
  sql: Queryable,
  id: string,
  verdict: { status: SnapshotRow['verification']; detail?: string },
): Promise<void> {
  const isFinal = verdict.status === 'passed' || verdict.status === 'failed'
  await sql`
    update snapshots set
      verification = ${verdict.status}, verification_detail = ${verdict.detail ?? null},
      verified_at = ${isFinal ? sql`now()` : null}
    where id = ${id}`
}

import { must } from '../../lib/assert.ts'
import { escapeLike } from './projects.ts'
import type { Queryable } from './store.ts'
import type { PeriodUsage } from './usage.ts'

export interface BranchRow {
  id: string
  project_id: string
  parent_id: string | null
  parent_lsn: string | null
  parent_timestamp: Date | null
  name: string
  volume_id: string
  is_default: boolean
  protected: boolean
  init_source: string
  /** What its creator noted on it. */
  annotation: Record<string, string>
  expires_at: Date | null
  /** The line that its own began as a clone of, and where; it may be gone by now. */
  origin_volume_id: string | null
  origin_lsn: string | null
  origin_time: Date | null
  last_reset_at: Date | null
  /** Since when it is put away; null for one that is ready. */
  archived_at: Date | null
  /** Of a hidden branch: the snapshot that it is the data of. */
  snapshot_id: string | null
  restored_from: string | null
  restore_target_id: string | null
  restore_status: 'restored' | 'finalized' | null
  restored_as: string | null
  logical_size_bytes: number | null
  /** Of the period that it names; null before anything was counted. */
  usage: PeriodUsage | null
  ready_at: Date | null
  created_at: Date
  updated_at: Date
  deleted_at: Date | null
  recoverable_until: Date | null
}

export type NewBranch = Pick<
  BranchRow,
  | 'id'
  | 'project_id'
  | 'parent_id'
  | 'name'
  | 'volume_id'
  | 'is_default'
  | 'protected'
  | 'expires_at'
> &
  Partial<
    Pick<
      BranchRow,
      | 'annotation'
      | 'init_source'
      | 'snapshot_id'
      | 'restored_from'
      | 'restore_target_id'
      | 'restore_status'
    >
  >

/** Rejects with a unique violation where the project has a branch of that name. */
export async function insertBranch(sql: Queryable, branch: NewBranch): Promise<void> {
  const annotation = sql.json(branch.annotation ?? {})
  await sql`insert into branches ${sql({ ...branch, annotation })}`
}

/** Branches of a deleted project are as gone as the project, until it is recovered. */
const inLiveProject = (sql: Queryable) =>
  sql`exists (select from projects p where p.id = branches.project_id and p.deleted_at is null)`

/** The branch by id or by name, where it is ready and not deleted. */
export async function findBranch(
  sql: Queryable,
  projectId: string,
  idOrName: string,
): Promise<BranchRow | undefined> {
  const [row] = await sql<BranchRow[]>`
    select * from branches
    where project_id = ${projectId} and (id = ${idOrName} or name = ${idOrName})
      and ready_at is not null and deleted_at is null and snapshot_id is null
      and ${inLiveProject(sql)}`
  return row
}

export async function findDefaultBranch(
  sql: Queryable,
  projectId: string,
): Promise<BranchRow | undefined> {
  const [row] = await sql<BranchRow[]>`
    select * from branches
    where project_id = ${projectId} and is_default and ready_at is not null and deleted_at is null
      and ${inLiveProject(sql)}`
  return row
}

/** A deleted branch that can still come back, by id or by name; the newest of several of one name. */
export async function findDeletedBranch(
  sql: Queryable,
  projectId: string,
  idOrName: string,
): Promise<BranchRow | undefined> {
  const [row] = await sql<BranchRow[]>`
    select * from branches
    where project_id = ${projectId} and (id = ${idOrName} or name = ${idOrName})
      and deleted_at is not null and recoverable_until > now() and snapshot_id is null
    order by deleted_at desc limit 1`
  return row
}

/** The branch whatever its state. */
export async function findAnyBranch(sql: Queryable, id: string): Promise<BranchRow | undefined> {
  const [row] = await sql<BranchRow[]>`select * from branches where id = ${id}`
  return row
}

/** The same for one that is known to be there, such as the hidden branch of a snapshot. */
export async function requireAnyBranch(sql: Queryable, id: string): Promise<BranchRow> {
  return must(await findAnyBranch(sql, id), `branch ${id} has a row`)
}

export type BranchSortKey = 'name' | 'created_at' | 'updated_at'

export interface BranchListQuery {
  projectId: string
  search?: string | undefined
  sortBy: BranchSortKey
  sortOrder: 'asc' | 'desc'
  limit: number
  /** Where the page before ended. */
  after?: { value: string; id: string } | undefined
  includeDeleted: boolean
}

export async function listBranches(sql: Queryable, query: BranchListQuery): Promise<BranchRow[]> {
  const pattern = `%${escapeLike(query.search ?? '')}%`
  // As exact as a cursor is, or rows of one millisecond would be left out or shown twice.
  const key =
    query.sortBy === 'name' ? sql`name` : sql`date_trunc('milliseconds', ${sql(query.sortBy)})`
  const direction = query.sortOrder === 'asc' ? sql`asc` : sql`desc`
  const beyond = query.sortOrder === 'asc' ? sql`>` : sql`<`
  const type = query.sortBy === 'name' ? sql`text` : sql`timestamptz`
  return sql<BranchRow[]>`
    select * from branches
    where project_id = ${query.projectId} and ready_at is not null and snapshot_id is null
      and (deleted_at is null or ${query.includeDeleted})
      and (id ilike ${pattern} or name ilike ${pattern})
      ${query.after ? sql`and (${key}, id) ${beyond} (${query.after.value}::${type}, ${query.after.id})` : sql``}
    order by ${key} ${direction}, id ${direction} limit ${query.limit}`
}

export async function countBranches(
  sql: Queryable,
  projectId: string,
  search = '',
): Promise<number> {
  const pattern = `%${escapeLike(search)}%`
  const [row] = await sql<{ count: number }[]>`
    select count(*)::integer as count from branches
    where project_id = ${projectId} and ready_at is not null and deleted_at is null
      and snapshot_id is null and (id ilike ${pattern} or name ilike ${pattern})`
  return row?.count ?? 0
}

/** Every branch of a project that has a volume: ready or not, deleted or not. */
export async function listAllBranches(sql: Queryable, projectId: string): Promise<BranchRow[]> {
  return sql<
    BranchRow[]
  >`select * from branches where project_id = ${projectId} order by created_at`
}

/** Names of live children, also of those being made. */
export async function listChildNames(sql: Queryable, branchId: string): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select name from branches
    where parent_id = ${branchId} and deleted_at is null and snapshot_id is null order by name`
  return rows.map((row) => row.name)
}

/** Where a branch's line began: which line it was cloned from, and at what moment of it. */
export interface Origin {
  line: string
  lsn: string | null
  time: Date
}

/** Not waited for on disk: the commit that makes the branch visible brings it along. */
export async function setOrigin(sql: Queryable, id: string, origin: Origin): Promise<void> {
  const { line, lsn, time } = origin
  await sql`
    update branches set
      parent_lsn = ${lsn}, parent_timestamp = ${time},
      origin_volume_id = ${line}, origin_lsn = ${lsn}, origin_time = ${time}
    from (select set_config('synchronous_commit', 'off', true)) relaxed
    where id = ${id}`
}

/** The branch that a line belongs to now, deleted or not. */
export async function findBranchOfLine(
  sql: Queryable,
  line: string,
): Promise<BranchRow | undefined> {
  const [row] = await sql<BranchRow[]>`select * from branches where volume_id = ${line}`
  return row
}

export interface LineExchange {
  branch: BranchRow
  /** The line that the branch gets. */
  line: string
  /** Undefined for a line that came from no other. */
  origin: Origin | undefined
  parentId: string | null
  /** The branch that its line of before becomes, with the branches that were made of it. */
  backup: { id: string; name: string; deletedUntil: Date | null }
  /** Whether those stay the branch's own all the same. */
  keepsChildren?: boolean
}

/**
 * Gives a branch another line, and its line of before to a new branch. Names, roles and databases of the
 * backup are the branch's own of before.
 */
export async function exchangeLine(sql: Queryable, exchange: LineExchange): Promise<void> {
  const { branch, line, parentId, backup } = exchange
  const origin = exchange.origin ?? { line: null, lsn: null, time: null }
  // Its line is unique, so the branch lets go of it first.
  await sql`update branches set volume_id = ${line} where id = ${branch.id}`
  await sql`
    insert into branches (id, project_id, parent_id, parent_lsn, parent_timestamp, name, volume_id,
      init_source, origin_volume_id, origin_lsn, origin_time, logical_size_bytes, restored_as,
      ready_at, created_at, deleted_at, recoverable_until)
    select ${backup.id}, project_id, parent_id, parent_lsn, parent_timestamp, ${backup.name},
      ${branch.volume_id}, init_source, origin_volume_id, origin_lsn, origin_time,
      logical_size_bytes, id, now(), now(),
      ${backup.deletedUntil === null ? null : sql`now()`}, ${backup.deletedUntil}
    from branches where id = ${branch.id}`
  if (exchange.keepsChildren !== true) {
    await sql`
      update branches set parent_id = ${backup.id}, updated_at = now()
      where parent_id = ${branch.id} and snapshot_id is null`
  }
  await sql`
    update branches set
      parent_id = ${parentId}, parent_lsn = ${origin.lsn}, parent_timestamp = ${origin.time},
      origin_volume_id = ${origin.line}, origin_lsn = ${origin.lsn}, origin_time = ${origin.time},
      last_reset_at = now(), updated_at = now()
    where id = ${branch.id}`
}

/** Gives a restored branch the name and the rank of the branch that it was made to replace. */
export async function takePlace(
  sql: Queryable,
  { branch, target, newName }: { branch: BranchRow; target: BranchRow; newName: string },
): Promise<void> {
  await sql`
    update branches set name = ${newName}, is_default = false, protected = false,
      restored_as = ${branch.id}, updated_at = now()
    where id = ${target.id}`
  await sql`
    update branches set name = ${target.name}, is_default = ${target.is_default},
      protected = ${target.protected}, expires_at = ${target.expires_at},
      restore_status = 'finalized', updated_at = now()
    where id = ${branch.id}`
}

/** Lets the branch that has replaced another go on under that one's parent, so that it can be deleted. */
export async function leaveReplaced(sql: Queryable, replaced: BranchRow): Promise<void> {
  await sql`
    update branches set parent_id = ${replaced.parent_id}, updated_at = now()
    where id = ${replaced.restored_as} and parent_id = ${replaced.id}`
}

/** From here on the branch is listed and can be connected to. */
export async function markBranchReady(sql: Queryable, id: string): Promise<void> {
  await sql`update branches set ready_at = now() where id = ${id} and ready_at is null`
}

export async function updateBranch(
  sql: Queryable,
  id: string,
  change: {
    name?: string | undefined
    protected?: boolean | undefined
    expires_at?: Date | null | undefined
  },
): Promise<void> {
  await sql`
    update branches set
      name = coalesce(${change.name ?? null}, name),
      protected = coalesce(${change.protected ?? null}, protected),
      expires_at = ${change.expires_at === undefined ? sql`expires_at` : change.expires_at},
      updated_at = now()
    where id = ${id}`
}

export async function setArchived(sql: Queryable, id: string, isArchived: boolean): Promise<void> {
  await sql`
    update branches set archived_at = ${isArchived ? sql`now()` : null}, updated_at = now()
    where id = ${id} and (archived_at is null) = ${isArchived}`
}

export type ArchivedBranch = BranchRow & { history_retention_seconds: number }

/** Live branches that are put away, with how long their project keeps history. */
export async function listArchivedBranches(sql: Queryable): Promise<ArchivedBranch[]> {
  return sql<ArchivedBranch[]>`
    select b.*, p.history_retention_seconds from branches b join projects p on p.id = b.project_id
    where b.archived_at is not null and b.deleted_at is null`
}

/**
 * Branches that nobody has used for a day and that are two weeks old. Those that others would miss at
 * once stay: the default and protected ones, and parents.
 */
export async function listColdBranches(sql: Queryable): Promise<BranchRow[]> {
  return sql<BranchRow[]>`
    select * from branches b
    where ready_at is not null and deleted_at is null and archived_at is null
      and snapshot_id is null and not is_default and not protected
      and created_at < now() - interval '14 days'
      and greatest(created_at, last_reset_at) < now() - interval '1 day'
      and not exists (select from endpoints e where e.branch_id = b.id
        and (e.current_state <> 'idle'
          or greatest(e.last_active, e.suspended_at, e.created_at) > now() - interval '1 day'))
      and not exists (select from branches c where c.parent_id = b.id and c.deleted_at is null)
      and ${inLiveProjectOf(sql)}`
}

const inLiveProjectOf = (sql: Queryable) =>
  sql`exists (select from projects p where p.id = b.project_id and p.deleted_at is null)`

export async function setDefaultBranch(
  sql: Queryable,
  projectId: string,
  id: string,
): Promise<void> {
  await sql`
    update branches set is_default = false, updated_at = now()
    where project_id = ${projectId} and is_default and id <> ${id}`
  await sql`update branches set is_default = true, updated_at = now() where id = ${id}`
}

export async function setLogicalSize(sql: Queryable, id: string, bytes: number): Promise<void> {
  await sql`update branches set logical_size_bytes = ${bytes} where id = ${id}`
}

export async function markBranchDeleted(sql: Queryable, id: string, until: Date): Promise<void> {
  await sql`
    update branches set deleted_at = now(), recoverable_until = ${until}, updated_at = now()
    where id = ${id} and deleted_at is null`
}

export async function markBranchRecovered(sql: Queryable, id: string, name: string): Promise<void> {
  await sql`
    update branches
    set deleted_at = null, recoverable_until = null, expires_at = null, name = ${name}, updated_at = now()
    where id = ${id}`
}

/** Deleted branches whose window has ended; all deleted ones, oldest first, when space is short. */
export async function listPurgeableBranches(
  sql: Queryable,
  options: { evenIfRecoverable: boolean },
): Promise<BranchRow[]> {
  return sql<BranchRow[]>`
    select * from branches
    where deleted_at is not null and (recoverable_until <= now() or ${options.evenIfRecoverable})
    order by deleted_at`
}

/** Branches, deleted ones too, whose lines have snapshots, with how long their project keeps history. */
export async function listHistoryBranches(
  sql: Queryable,
): Promise<(BranchRow & { history_retention_seconds: number })[]> {
  return sql<(BranchRow & { history_retention_seconds: number })[]>`
    select b.*, p.history_retention_seconds from branches b join projects p on p.id = b.project_id
    where exists (select from line_snapshots s where s.line = b.volume_id)`
}

/** Live branches whose `expires_at` has passed. */
export async function listExpiredBranches(sql: Queryable): Promise<BranchRow[]> {
  return sql<BranchRow[]>`
    select * from branches
    where expires_at <= now() and deleted_at is null and ready_at is not null
      and snapshot_id is null
      and ${inLiveProject(sql)}
    order by expires_at`
}

/** Forgets a branch with its endpoints, roles and databases; a hidden one with its snapshot. */
export async function removeBranch(sql: Queryable, id: string): Promise<void> {
  await sql`delete from snapshots where id = (select snapshot_id from branches where id = ${id})`
  await sql`delete from branches where id = ${id}`
}

/** Volumes of branches, of snapshots of their lines and of replicas, whatever their state. */
export async function listVolumeIds(sql: Queryable): Promise<string[]> {
  const rows = await sql<{ volume_id: string }[]>`
    select volume_id from branches union all select id from line_snapshots
    union all select id from endpoints where type = 'read_only'`
  return rows.map((row) => row.volume_id)
}

/** Locks the row and its project's, where both are live, so that neither is deleted before the transaction ends. */
export async function shareLiveBranch(sql: Queryable, id: string): Promise<boolean> {
  const rows = await sql`
    select from branches b join projects p on p.id = b.project_id
    where b.id = ${id} and b.deleted_at is null and p.deleted_at is null
    for key share`
  return rows.length > 0
}

/** Locks the row, where it is live, against new children and other changes. */
export async function lockLiveBranch(sql: Queryable, id: string): Promise<BranchRow | undefined> {
  const [row] = await sql<BranchRow[]>`
    select * from branches where id = ${id} and deleted_at is null for update`
  return row
}

/** The branch whose exclusive bytes were never read, or longest ago of those read six hours ago. */
export async function findStaleExclusive(
  sql: Queryable,
): Promise<Pick<BranchRow, 'id' | 'volume_id'> | undefined> {
  const [row] = await sql<Pick<BranchRow, 'id' | 'volume_id'>[]>`
    select id, volume_id from branches
    where ready_at is not null and deleted_at is null and archived_at is null
      and snapshot_id is null and ${inLiveProject(sql)}
      and coalesce(exclusive_read_at, '-infinity') < now() - interval '6 hours'
    order by exclusive_read_at nulls first, created_at limit 1`
  return row
}

export async function setExclusiveBytes(
  sql: Queryable,
  id: string,
  bytes: number | null,
): Promise<void> {
  await sql`
    update branches set exclusive_bytes = ${bytes}, exclusive_read_at = now() where id = ${id}`
}

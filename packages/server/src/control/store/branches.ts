import { escapeLike } from './projects.ts'
import type { Queryable } from './store.ts'

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
  expires_at: Date | null
  logical_size_bytes: number | null
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
> & { init_source?: string }

/** Rejects with a unique violation where the project has a branch of that name. */
export async function insertBranch(sql: Queryable, branch: NewBranch): Promise<void> {
  await sql`insert into branches ${sql(branch)}`
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
      and ready_at is not null and deleted_at is null
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
      and deleted_at is not null and recoverable_until > now()
    order by deleted_at desc limit 1`
  return row
}

/** The branch whatever its state. */
export async function findAnyBranch(sql: Queryable, id: string): Promise<BranchRow | undefined> {
  const [row] = await sql<BranchRow[]>`select * from branches where id = ${id}`
  return row
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
  const key = sql(query.sortBy)
  const direction = query.sortOrder === 'asc' ? sql`asc` : sql`desc`
  const beyond = query.sortOrder === 'asc' ? sql`>` : sql`<`
  const type = query.sortBy === 'name' ? sql`text` : sql`timestamptz`
  return sql<BranchRow[]>`
    select * from branches
    where project_id = ${query.projectId} and ready_at is not null
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
      and (id ilike ${pattern} or name ilike ${pattern})`
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
    select name from branches where parent_id = ${branchId} and deleted_at is null order by name`
  return rows.map((row) => row.name)
}

/** Not waited for on disk: the commit that makes the branch visible brings it along. */
export async function setOrigin(
  sql: Queryable,
  id: string,
  parentLsn: string | null,
  parentTimestamp: Date,
): Promise<void> {
  await sql`
    update branches set parent_lsn = ${parentLsn}, parent_timestamp = ${parentTimestamp}
    from (select set_config('synchronous_commit', 'off', true)) relaxed
    where id = ${id}`
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

/** Live branches whose `expires_at` has passed. */
export async function listExpiredBranches(sql: Queryable): Promise<BranchRow[]> {
  return sql<BranchRow[]>`
    select * from branches
    where expires_at <= now() and deleted_at is null and ready_at is not null
      and ${inLiveProject(sql)}
    order by expires_at`
}

/** Forgets a branch with its endpoints, roles and databases. */
export async function removeBranch(sql: Queryable, id: string): Promise<void> {
  await sql`delete from branches where id = ${id}`
}

/** Volumes that belong to a branch, whatever its state. */
export async function listVolumeIds(sql: Queryable): Promise<string[]> {
  const rows = await sql<{ volume_id: string }[]>`select volume_id from branches`
  return rows.map((row) => row.volume_id)
}

/** Locks the row, where it is live, so that it is not deleted before the transaction ends. */
export async function shareLiveBranch(sql: Queryable, id: string): Promise<boolean> {
  const rows = await sql`select from branches where id = ${id} and deleted_at is null for key share`
  return rows.length > 0
}

/** Locks the row, where it is live, against new children and other changes. */
export async function lockLiveBranch(sql: Queryable, id: string): Promise<BranchRow | undefined> {
  const [row] = await sql<BranchRow[]>`
    select * from branches where id = ${id} and deleted_at is null for update`
  return row
}

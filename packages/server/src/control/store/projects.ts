import type { DefaultEndpointSettings, Project } from '@coppice/api'

import type { Queryable } from './store.ts'
import type { ProjectUsage } from './usage.ts'

export interface ProjectRow {
  id: string
  name: string
  region_id: string
  pg_version: number
  settings: Project['settings']
  default_endpoint_settings: DefaultEndpointSettings
  store_passwords: boolean
  history_retention_seconds: number
  /** Of the period that it names; null before anything was counted. */
  usage: ProjectUsage | null
  /** The quota that is used up; null where none is. */
  quota_exceeded: string | null
  ready_at: Date | null
  created_at: Date
  updated_at: Date
  deleted_at: Date | null
  recoverable_until: Date | null
}

export type NewProject = Pick<
  ProjectRow,
  | 'id'
  | 'name'
  | 'region_id'
  | 'pg_version'
  | 'settings'
  | 'default_endpoint_settings'
  | 'store_passwords'
  | 'history_retention_seconds'
>

export async function insertProject(sql: Queryable, project: NewProject): Promise<void> {
  await sql`
    insert into projects ${sql({
      ...project,
      settings: sql.json(project.settings),
      default_endpoint_settings: sql.json(project.default_endpoint_settings),
    })}`
}

/** The project, where it is ready and not deleted. */
export async function findProject(sql: Queryable, id: string): Promise<ProjectRow | undefined> {
  const [row] = await sql<ProjectRow[]>`
    select * from projects where id = ${id} and ready_at is not null and deleted_at is null`
  return row
}

/** The project whatever its state. */
export async function findAnyProject(sql: Queryable, id: string): Promise<ProjectRow | undefined> {
  const [row] = await sql<ProjectRow[]>`select * from projects where id = ${id}`
  return row
}

/** Oldest first after `afterId`; `deleted` lists the recoverable ones instead. */
export async function listProjects(
  sql: Queryable,
  query: {
    limit: number
    afterId?: string | undefined
    search?: string | undefined
    deleted: boolean
    /** The only one to list; null for all. */
    onlyId?: string | null
  },
): Promise<ProjectRow[]> {
  const pattern = `%${escapeLike(query.search ?? '')}%`
  return sql<ProjectRow[]>`
    select * from projects
    where ready_at is not null and (deleted_at is not null) = ${query.deleted}
      and id = coalesce(${query.onlyId ?? null}, id)
      and (id ilike ${pattern} or name ilike ${pattern})
      ${query.afterId === undefined ? sql`` : sql`and (created_at, id) > (select created_at, id from projects where id = ${query.afterId})`}
    order by created_at, id limit ${query.limit}`
}

export async function updateProject(
  sql: Queryable,
  id: string,
  change: Partial<
    Pick<
      NewProject,
      'name' | 'settings' | 'default_endpoint_settings' | 'history_retention_seconds'
    >
  >,
): Promise<void> {
  await sql`
    update projects set
      name = coalesce(${change.name ?? null}, name),
      settings = coalesce(${change.settings ? sql.json(change.settings) : null}, settings),
      default_endpoint_settings = coalesce(
        ${change.default_endpoint_settings ? sql.json(change.default_endpoint_settings) : null},
        default_endpoint_settings),
      history_retention_seconds = coalesce(${change.history_retention_seconds ?? null}, history_retention_seconds),
      updated_at = now()
    where id = ${id}`
}

export async function markProjectReady(sql: Queryable, id: string): Promise<void> {
  await sql`update projects set ready_at = now() where id = ${id} and ready_at is null`
}

/** In a transaction: waits for those that hold the row to add something to the project. */
export async function markProjectDeleted(sql: Queryable, id: string, until: Date): Promise<void> {
  await sql`select from projects where id = ${id} for update`
  await sql`
    update projects set deleted_at = now(), recoverable_until = ${until}, updated_at = now()
    where id = ${id}`
}

export async function markProjectRecovered(sql: Queryable, id: string): Promise<void> {
  await sql`
    update projects set deleted_at = null, recoverable_until = null, updated_at = now()
    where id = ${id}`
}

/** Projects that were deleted and whose recovery window has ended. */
export async function listExpiredProjects(sql: Queryable): Promise<ProjectRow[]> {
  return sql<ProjectRow[]>`
    select * from projects where deleted_at is not null and recoverable_until <= now()`
}

/** Forgets a project with its branches, endpoints, roles and databases; operations stay. */
export async function removeProject(sql: Queryable, id: string): Promise<void> {
  await sql`delete from projects where id = ${id}`
}

/** Takes `%`, `_` and `\` literally in a LIKE pattern. */
export const escapeLike = (text: string): string => text.replaceAll(/[\\%_]/g, String.raw`\$&`)

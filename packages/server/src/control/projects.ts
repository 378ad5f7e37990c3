import { isDeepStrictEqual } from 'node:util'

import type {
  DefaultEndpointSettings,
  ProjectCreate,
  ProjectSettings,
  ProjectUpdate,
} from '@coppice/api'

import { checkObjectName } from '../compute/object-names.ts'
import { checkPgSettings } from '../compute/pg-settings.ts'
import { AppError } from '../lib/errors.ts'
import { newBranchId, newEndpointId, newProjectId } from '../lib/ids.ts'
import { newPassword } from '../lib/passwords.ts'
import { requireOrganization } from './account.ts'
import { connectionDetails } from './connection-uri.ts'
import type { Context } from './context.ts'
import { restartIfAwake } from './endpoints.ts'
import { requireProject } from './lookups.ts'
import { checkBranchName, checkProjectName } from './names.ts'
import { removeComputes, purgeBranch } from './operations/branch-volume.ts'
import { runOperation } from './operations/runner.ts'
import { changePoolerSettings } from './pooler-settings.ts'
import { requireLibraries } from './preload-libraries.ts'
import { changeProjectSettings } from './project-settings.ts'
import { makeSpace } from './purge.ts'
import { refreshComputes } from './put-compute.ts'
import { enforceQuotas } from './quotas.ts'
import { registerCompute } from './register-compute.ts'
import { resolveSize } from './sizes.ts'
import { type BranchRow, findAnyBranch, insertBranch, listAllBranches } from './store/branches.ts'
import { type DatabaseRow, listDatabases, listDefaultBranchDatabases } from './store/databases.ts'
import {
  type EndpointRow,
  insertEndpoint,
  listBranchEndpoints,
  listEndpoints,
} from './store/endpoints.ts'
import { insertOperation, type OperationRow } from './store/operations.ts'
import * as store from './store/projects.ts'
import type { ProjectRow } from './store/projects.ts'
import { listRoles, type RoleRow } from './store/roles.ts'
import { transact } from './store/store.ts'
import { unsupportedVersion } from './templates.ts'

export const defaultBranchName = 'main'
export const defaultDatabaseName = 'neondb'
const defaultHistorySeconds = 86_400

export interface CreatedProject {
  project: ProjectRow
  branch: BranchRow
  endpoints: EndpointRow[]
  roles: RoleRow[]
  databases: DatabaseRow[]
  operations: OperationRow[]
  password: string
  connection: ReturnType<typeof connectionDetails>
}

/** Makes a project with root branch, owner role, database and read-write endpoint, ready for connections. */
export async function createProject(
  context: Context,
  request: ProjectCreate['project'],
): Promise<CreatedProject> {
  const plan = planProject(context, request)
  const { pg_version, settings } = plan.project
  await requireLibraries(context, pg_version, settings.preload_libraries)
  await makeSpace(context)
  const password = newPassword()
  const operation = await transact(context.store, async (sql) => {
    await store.insertProject(sql, plan.project)
    await insertBranch(sql, plan.branch)
    await insertEndpoint(sql, plan.endpoint)
    return insertOperation(sql, {
      project_id: plan.project.id,
      branch_id: plan.branch.id,
      endpoint_id: plan.endpoint.id,
      action: 'create_timeline',
      input: {
        role_name: plan.roleName,
        database_name: plan.databaseName,
        password_sealed: context.secrets.seal(password).toString('base64'),
      },
    })
  })
  const finished = await runOperation(context, operation)
  const target = {
    endpointId: plan.endpoint.id,
    role: plan.roleName,
    password,
    database: plan.databaseName,
  }
  return {
    project: await requireProject(context, plan.project.id),
    branch: await existing(findAnyBranch(context.store, plan.branch.id)),
    endpoints: await listBranchEndpoints(context.store, plan.branch.id),
    roles: await listRoles(context.store, plan.branch.id),
    databases: await listDatabases(context.store, plan.branch.id),
    operations: [finished],
    password,
    connection: connectionDetails({ ...target, pooled: false }, context.settings),
  }
}

function planProject(context: Context, request: ProjectCreate['project']) {
  requireOrganization(request.org_id)
  const pgVersion = request.pg_version ?? context.settings.defaultPgVersion
  if (!context.installations.some((one) => one.majorVersion === pgVersion)) {
    throw new AppError('invalid_request', unsupportedVersion(context, pgVersion))
  }
  if (request.region_id !== undefined && request.region_id !== context.settings.region) {
    throw new AppError(
      'invalid_request',
      `unknown region ${request.region_id}; this platform is region ${context.settings.region}`,
    )
  }
  const databaseName = checkObjectName(
    'database',
    request.branch?.database_name ?? defaultDatabaseName,
  )
  const roleName = checkObjectName('role', request.branch?.role_name ?? `${databaseName}_owner`)
  const defaults = {
    ...request.default_endpoint_settings,
    ...(request.autoscaling_limit_min_cu !== undefined && {
      autoscaling_limit_min_cu: request.autoscaling_limit_min_cu,
    }),
    ...(request.autoscaling_limit_max_cu !== undefined && {
      autoscaling_limit_max_cu: request.autoscaling_limit_max_cu,
    }),
  }
  checkPgSettings(defaults.pg_settings ?? {})
  const id = newProjectId()
  const branchId = newBranchId()
  return {
    roleName,
    databaseName,
    project: {
      id,
      // Neon's own way with a project that was given no name.
      name: request.name === undefined ? id : checkProjectName(request.name),
      region_id: context.settings.region,
      pg_version: pgVersion,
      settings: changeProjectSettings({}, request.settings),
      default_endpoint_settings: {
        ...defaults,
        pgbouncer_settings: changePoolerSettings({}, defaults.pgbouncer_settings),
      },
      store_passwords: request.store_passwords ?? true,
      history_retention_seconds: request.history_retention_seconds ?? defaultHistorySeconds,
    },
    branch: {
      id: branchId,
      project_id: id,
      parent_id: null,
      name: checkBranchName(request.branch?.name ?? defaultBranchName),
      volume_id: branchId,
      is_default: true,
      protected: false,
      expires_at: null,
      annotation: request.branch?.annotations ?? {},
    },
    endpoint: {
      id: newEndpointId(),
      project_id: id,
      branch_id: branchId,
      type: 'read_write' as const,
      name: null,
      ...resolveSize({}, defaults),
      compute_id: null,
      suspend_timeout_seconds: defaults.suspend_timeout_seconds ?? 0,
      pg_settings: defaults.pg_settings ?? {},
      pgbouncer_settings: changePoolerSettings({}, request.endpoint_settings?.pgbouncer_settings),
      preload_libraries: null,
      pooler_enabled: false,
      disabled: false,
    },
  }
}

export interface ProjectPage {
  projects: { project: ProjectRow; databases: DatabaseRow[] }[]
  cursor: string | undefined
}

export async function listProjects(
  context: Context,
  query: {
    limit: number
    cursor?: string | undefined
    search?: string | undefined
    deleted: boolean
    /** The only one that the caller may see; null where all may be seen. */
    onlyId: string | null
  },
): Promise<ProjectPage> {
  await requireCursor(context, query)
  const projects = await store.listProjects(context.store, {
    ...query,
    afterId: query.cursor || undefined,
  })
  const databases = await listDefaultBranchDatabases(
    context.store,
    projects.map((project) => project.id),
  )
  return {
    projects: projects.map((project) => ({
      project,
      databases: databases.filter((database) => database.project_id === project.id),
    })),
    cursor: projects.length === query.limit ? projects.at(-1)?.id : undefined,
  }
}

/** Cursors are ids of this list; whoever may see one project alone learns of no other. */
async function requireCursor(
  context: Context,
  { cursor, onlyId }: { cursor?: string | undefined; onlyId: string | null },
): Promise<void> {
  if (!cursor) return
  const isListed = onlyId === null || onlyId === cursor
  if (isListed && (await store.findAnyProject(context.store, cursor)) !== undefined) return
  throw new AppError('invalid_request', 'the cursor is not one that this list answered')
}

export interface ChangedProject {
  project: ProjectRow
  /** Restarts of its computes, under way. */
  operations: OperationRow[]
}

/** One change after another: each is made to what the one before has left. */
export async function updateProject(
  context: Context,
  id: string,
  change: ProjectUpdate['project'],
): Promise<ChangedProject> {
  return context.locks.run(`settings ${id}`, async () => changeProject(context, id, change))
}

async function changeProject(
  context: Context,
  id: string,
  change: ProjectUpdate['project'],
): Promise<ChangedProject> {
  const project = await requireProject(context, id)
  const settings = changeProjectSettings(project.settings, change.settings)
  await requireLibraries(context, project.pg_version, change.settings?.preload_libraries)
  const defaults = mergeDefaults(project.default_endpoint_settings, change)
  resolveSize({}, defaults)
  checkPgSettings(defaults.pg_settings ?? {})
  await store.updateProject(context.store, id, {
    ...(change.name !== undefined && { name: checkProjectName(change.name) }),
    settings,
    ...(change.history_retention_seconds !== undefined && {
      history_retention_seconds: change.history_retention_seconds,
    }),
    default_endpoint_settings: defaults,
  })
  await enforceQuotas(context, id)
  await refreshComputes(context, { projectId: id })
  return {
    project: await requireProject(context, id),
    operations: needsRestart(project.settings, settings) ? await restartComputes(context, id) : [],
  }
}

/** Whether a change is of what PostgreSQL reads at its start only. */
function needsRestart(before: ProjectSettings, after: ProjectSettings): boolean {
  const names = ['enable_logical_replication', 'preload_libraries'] as const
  return names.some((name) => !isDeepStrictEqual(before[name], after[name]))
}

async function restartComputes(context: Context, projectId: string): Promise<OperationRow[]> {
  const endpoints = await listEndpoints(context.store, projectId)
  return (
    await Promise.all(endpoints.map(async (endpoint) => restartIfAwake(context, endpoint)))
  ).flat()
}

function mergeDefaults(
  current: DefaultEndpointSettings,
  change: ProjectUpdate['project'],
): DefaultEndpointSettings {
  const merged = {
    ...current,
    ...change.default_endpoint_settings,
    pgbouncer_settings: changePoolerSettings(
      current.pgbouncer_settings ?? {},
      change.default_endpoint_settings?.pgbouncer_settings,
    ),
  }
  if (change.autoscale_limit === undefined) return merged
  return {
    ...merged,
    autoscaling_limit_max_cu: change.autoscale_limit,
    autoscaling_limit_min_cu: Math.min(
      merged.autoscaling_limit_min_cu ?? 0.25,
      change.autoscale_limit,
    ),
  }
}

/** What deletes, recovers or purges a project has it. Whoever has a branch's does not wait for it. */
export const projectLock = (id: string): string => `project ${id}`

/** Deletes a project: computes stop at once, data stays until the recovery window ends. */
export async function deleteProject(
  context: Context,
  id: string,
  hardDelete: boolean,
): Promise<ProjectRow> {
  return context.locks.run(projectLock(id), async () => {
    const project = await requireProject(context, id)
    const branches = await listAllBranches(context.store, id)
    const guarded = branches.find((branch) => branch.protected && branch.deleted_at === null)
    if (guarded !== undefined) {
      throw new AppError(
        'branch_is_protected',
        `project ${id} has the protected branch ${guarded.name}; unprotect it first`,
      )
    }
    const until = new Date(
      Date.now() + (hardDelete ? 0 : context.settings.recoveryWindowSeconds * 1000),
    )
    // No branch is begun from here on: who begins one looks at the project's row under a lock.
    await transact(context.store, (sql) => store.markProjectDeleted(sql, id, until))
    for (const branch of await listAllBranches(context.store, id)) {
      // After what runs on it: a branch that is being made gets its computes first.
      await context.locks.run(branch.id, async () => removeComputes(context, branch.id))
    }
    if (hardDelete) await purgeProject(context, project.id)
    return { ...project, deleted_at: new Date(), recoverable_until: until }
  })
}

export async function recoverProject(
  context: Context,
  id: string,
): Promise<{ project: ProjectRow; branches: BranchRow[] }> {
  return context.locks.run(projectLock(id), async () => {
    const project = await store.findAnyProject(context.store, id)
    // Past its window it may have been purged in part.
    if (project === undefined || project.ready_at === null || (await isExpired(context, id))) {
      throw new AppError(
        'project_not_found',
        `project ${id} does not exist or can no longer be recovered`,
      )
    }
    if (project.deleted_at === null) {
      throw new AppError('not_recoverable', `project ${id} is not deleted`)
    }
    const all = await listAllBranches(context.store, id)
    const branches = all.filter((branch) => branch.deleted_at === null && branch.ready_at !== null)
    for (const branch of branches) {
      for (const endpoint of await listBranchEndpoints(context.store, branch.id)) {
        await registerCompute(context, endpoint)
      }
    }
    await store.markProjectRecovered(context.store, id)
    return { project: await requireProject(context, id), branches }
  })
}

/** Removes a project for good whose recovery window has ended; it may have been recovered since it was listed. */
export async function purgeIfExpired(context: Context, id: string): Promise<void> {
  await context.locks.run(projectLock(id), async () => {
    if (await isExpired(context, id)) await purgeProject(context, id)
  })
}

/** By the store's clock, as those that are purged are found. */
async function isExpired(context: Context, id: string): Promise<boolean> {
  return (await store.listExpiredProjects(context.store)).some((project) => project.id === id)
}

/** Idempotent. */
async function purgeProject(context: Context, id: string): Promise<void> {
  for (const branch of await listAllBranches(context.store, id)) {
    await context.locks.run(branch.id, async () => purgeBranch(context, branch))
  }
  await store.removeProject(context.store, id)
}

async function existing<T>(row: Promise<T | undefined>): Promise<T> {
  const found = await row
  if (found === undefined) throw new Error('a row that was just written is gone')
  return found
}

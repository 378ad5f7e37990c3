import type {
  BranchCreate,
  BranchEndpointCreate,
  BranchUpdate,
  ConnectionDetails,
} from '@coppice/api'

import { AppError } from '../lib/errors.ts'
import { newBranchId, newName } from '../lib/ids.ts'
import { archiveBranch, hasData, unarchiveBranch } from './archive.ts'
import { connectionDetails } from './connection-uri.ts'
import type { Context } from './context.ts'
import { defaultConnection } from './default-connection.ts'
import { planEndpoint } from './endpoint-plan.ts'
import { findStart, type Moment, readMoment } from './history/moments.ts'
import {
  branchExists,
  branchNotFound,
  requireBranch,
  requireDefaultBranch,
  requireProject,
} from './lookups.ts'
import { checkBranchName } from './names.ts'
import { runInBackground, runOperation } from './operations/runner.ts'
import { makeSpace } from './purge.ts'
import { refreshComputes } from './put-compute.ts'
import { registerCompute } from './register-compute.ts'
import { chooseSharedCompute } from './shared-computes.ts'
import { insertAnonymizedBranch, type NewAnonymizedBranch } from './store/anonymized-branches.ts'
import * as store from './store/branches.ts'
import type { BranchRow } from './store/branches.ts'
import { type DatabaseRow, listDatabases } from './store/databases.ts'
import { type EndpointRow, insertEndpoint, listBranchEndpoints } from './store/endpoints.ts'
import { insertOperation, type OperationRow } from './store/operations.ts'
import type { ProjectRow } from './store/projects.ts'
import { listRoles, type RoleRow } from './store/roles.ts'
import { isUniqueViolation, type Queryable, transact } from './store/store.ts'

export interface CreatedBranch {
  branch: BranchRow
  endpoints: EndpointRow[]
  roles: RoleRow[]
  databases: DatabaseRow[]
  operations: OperationRow[]
  connections: ConnectionDetails[] | undefined
}

/**
 * Makes a branch of its parent, as it is or was, and answers as soon as it can be connected to; its computes
 * start meanwhile, and a connection that comes first waits for them.
 */
export async function createBranch(
  context: Context,
  projectId: string,
  request: BranchCreate,
): Promise<CreatedBranch> {
  return createBranchFrom(context, (await planBranch(context, projectId, request)).plan)
}

/** Checks a request for a branch, and answers what is to be made, and as of when. */
export async function planBranch(
  context: Context,
  projectId: string,
  request: BranchCreate,
): Promise<{ plan: BranchPlan; moment: Moment | undefined }> {
  const project = await requireProject(context, projectId)
  const wanted = request.branch ?? {}
  const name = checkBranchName(wanted.name ?? newName())
  const expiresAt = parseExpiry(wanted.expires_at ?? null)
  if (expiresAt !== null && wanted.protected === true) throw cannotExpire(name, 'is protected')
  const parent = !wanted.parent_id
    ? await requireDefaultBranch(context, projectId)
    : await requireBranch(context, projectId, wanted.parent_id)
  const moment = readMoment({ timestamp: wanted.parent_timestamp, lsn: wanted.parent_lsn })
  // Refused here, before anything is made.
  if (moment !== undefined) await findStart(context, project, parent, moment)
  const plan: BranchPlan = {
    project,
    source: parent,
    branch: {
      // One without the parent's rows has nothing of its history either, and is a root.
      ...(wanted.init_source === schemaOnly
        ? { parent_id: null, init_source: schemaOnly }
        : { parent_id: parent.id }),
      name,
      protected: wanted.protected ?? false,
      expires_at: expiresAt,
      annotation: request.annotation_value ?? {},
    },
    moment: {
      ...(wanted.parent_timestamp !== undefined && { timestamp: wanted.parent_timestamp }),
      ...(wanted.parent_lsn !== undefined && { lsn: wanted.parent_lsn }),
    },
    endpoints: request.endpoints ?? [],
    isArchived: wanted.archived ?? false,
  }
  return { plan, moment }
}

const schemaOnly = 'schema-only'

export interface BranchPlan {
  project: ProjectRow
  /** Whose data it gets, or schema: its parent, or the hidden branch of a snapshot. */
  source: BranchRow
  branch: Omit<store.NewBranch, 'id' | 'project_id' | 'volume_id' | 'is_default'>
  /** Of the source; its present where neither is given. */
  moment?: { timestamp?: string; lsn?: string }
  endpoints: readonly BranchEndpointCreate[]
  /** Of one that is to hold the source's data masked. */
  anonymization?: NewAnonymizedBranch
  /** Put away as soon as it is made. */
  isArchived?: boolean
}

/** What has been checked is made. Rejects with AppError `branch_exists`. */
export async function createBranchFrom(context: Context, plan: BranchPlan): Promise<CreatedBranch> {
  const { project, source } = plan
  const projectId = project.id
  const id = newBranchId()
  const sourceEndpoints = await listBranchEndpoints(context.store, source.id)
  const sourceEndpoint = sourceEndpoints.find((one) => one.type === 'read_write')
  const endpoints = await planEndpoints(context, project, id, plan.endpoints, sourceEndpoint)
  await makeSpace(context)

  const { create, starts } = await transact(context.store, async (sql) => {
    if (!(await store.shareLiveBranch(sql, source.id))) throw branchNotFound(source.name)
    await store.insertBranch(sql, {
      ...plan.branch,
      id,
      project_id: projectId,
      volume_id: id,
      is_default: false,
    })
    if (plan.anonymization) await insertAnonymizedBranch(sql, id, plan.anonymization)
    for (const endpoint of endpoints) await insertEndpoint(sql, endpoint)
    const base = { project_id: projectId, branch_id: id }
    return {
      create: await insertOperation(sql, {
        ...base,
        action:
          plan.branch.init_source === schemaOnly ? 'apply_schema_from_branch' : 'create_branch',
        status: 'running',
        input: { source_branch_id: source.id, ...plan.moment },
      }),
      starts: await Promise.all(
        endpoints
          .filter((endpoint) => !endpoint.disabled)
          .map((endpoint) =>
            insertOperation(sql, { ...base, endpoint_id: endpoint.id, action: 'start_compute' }),
          ),
      ),
    }
  }).catch((error: unknown) => {
    throw isUniqueViolation(error) ? branchExists(plan.branch.name) : error
  })

  const created = await runOperation(context, create)
  for (const start of starts) runInBackground(context, start)
  if (plan.isArchived === true)
    await archiveBranch(context, await requireBranch(context, projectId, id))
  const [branch, rows, roles, databases] = await Promise.all([
    requireBranch(context, projectId, id),
    listBranchEndpoints(context.store, id),
    listRoles(context.store, id),
    listDatabases(context.store, id),
  ])
  const target = defaultConnection(context, { endpoints: rows, roles, databases })
  return {
    branch,
    endpoints: rows,
    roles,
    databases,
    operations: [created, ...starts],
    connections: target && [connectionDetails(target, context.settings)],
  }
}

async function planEndpoints(
  context: Context,
  project: ProjectRow,
  branchId: string,
  requests: readonly BranchEndpointCreate[],
  parentEndpoint: EndpointRow | undefined,
) {
  if (requests.filter((request) => request.type === 'read_write').length > 1) {
    throw new AppError('invalid_request', 'a branch has at most one read_write endpoint')
  }
  return Promise.all(
    requests.map(async (request) => {
      const where = { isOfNewBranch: request.type === 'read_write' }
      const computeId = await chooseSharedCompute(context, project.id, request, where)
      return planEndpoint(project, branchId, request, computeId, parentEndpoint)
    }),
  )
}

export async function updateBranch(
  context: Context,
  projectId: string,
  idOrName: string,
  change: BranchUpdate['branch'],
): Promise<BranchRow> {
  const branch = await requireBranch(context, projectId, idOrName)
  const expires_at = change.expires_at === undefined ? undefined : parseExpiry(change.expires_at)
  const willExpire = expires_at === undefined ? branch.expires_at !== null : expires_at !== null
  if (willExpire && branch.is_default) throw cannotExpire(branch.name, 'is the default branch')
  if (willExpire && (change.protected ?? branch.protected)) {
    throw cannotExpire(branch.name, 'is protected')
  }
  const name = change.name === undefined ? undefined : checkBranchName(change.name)
  try {
    await store.updateBranch(context.store, branch.id, {
      name,
      protected: change.protected,
      expires_at,
    })
  } catch (error) {
    throw isUniqueViolation(error) ? branchExists(name ?? branch.name) : error
  }
  if (change.archived !== undefined) {
    if (change.archived) await archiveBranch(context, branch)
    else await unarchiveBranch(context, branch)
  }
  // Its name is on the computes, and an allow list may hold for protected branches only.
  await refreshComputes(context, { projectId, branchId: branch.id })
  return requireBranch(context, projectId, branch.id)
}

export async function setDefaultBranch(
  context: Context,
  projectId: string,
  idOrName: string,
): Promise<BranchRow> {
  const branch = await requireBranch(context, projectId, idOrName)
  if (branch.expires_at !== null) {
    throw new AppError(
      'invalid_request',
      `branch ${branch.name} expires; clear that first with \`neon branches set-expiration ${branch.name}\``,
    )
  }
  await transact(context.store, (sql) => store.setDefaultBranch(sql, projectId, branch.id))
  // An allow list may hold for the default branch only.
  await refreshComputes(context, { projectId })
  return requireBranch(context, projectId, branch.id)
}

export interface DeletedBranch {
  branch: BranchRow
  operation: OperationRow
}

/**
 * Deletes a branch: it is gone from every list at once and its computes stop. Its data stays for the
 * recovery window, or until the pool is short of space, unless `hardDelete` says that this is final.
 */
export async function deleteBranch(
  context: Context,
  projectId: string,
  idOrName: string,
  hardDelete: boolean,
): Promise<DeletedBranch> {
  const branch = await requireBranch(context, projectId, idOrName)
  const windowMs = hardDelete ? 0 : context.settings.recoveryWindowSeconds * 1000
  const until = new Date(Date.now() + windowMs)
  const operation = await transact(context.store, async (sql) => {
    const row = await store.lockLiveBranch(sql, branch.id)
    if (row === undefined) throw branchNotFound(branch.name)
    return beginDeletion(sql, row, { until, purge: hardDelete })
  })
  const finished = await runOperation(context, operation)
  return {
    branch: { ...branch, deleted_at: new Date(), recoverable_until: hardDelete ? null : until },
    operation: finished,
  }
}

/** Deletes a branch whose end has come, unless that was moved since it was listed. Answers whether it was deleted. */
export async function expireBranch(context: Context, branch: BranchRow): Promise<boolean> {
  const until = new Date(Date.now() + context.settings.recoveryWindowSeconds * 1000)
  const operation = await transact(context.store, async (sql) => {
    const row = await store.lockLiveBranch(sql, branch.id)
    if (row === undefined || row.expires_at?.getTime() !== branch.expires_at?.getTime()) {
      return undefined
    }
    return beginDeletion(sql, row, { until, purge: false })
  })
  if (operation === undefined) return false
  await runOperation(context, operation)
  return true
}

/** Of a branch that is locked. */
async function beginDeletion(
  sql: Queryable,
  branch: BranchRow,
  { until, purge }: { until: Date; purge: boolean },
): Promise<OperationRow> {
  await store.leaveReplaced(sql, branch)
  refuseDeletion(branch, await store.listChildNames(sql, branch.id))
  await store.markBranchDeleted(sql, branch.id, until)
  return insertOperation(sql, {
    project_id: branch.project_id,
    branch_id: branch.id,
    action: 'delete_timeline',
    input: { purge },
  })
}

function refuseDeletion(branch: BranchRow, children: readonly string[]): void {
  if (branch.is_default) {
    throw new AppError(
      'branch_is_default',
      `branch ${branch.name} is the default branch; make another one the default first, or delete the project`,
    )
  }
  if (branch.protected) {
    throw new AppError(
      'branch_is_protected',
      `branch ${branch.name} is protected; unprotect it first`,
    )
  }
  if (children.length > 0) {
    const some = children.slice(0, 5).join(', ')
    throw new AppError(
      'branch_has_children',
      `branch ${branch.name} has child branches (${some}${children.length > 5 ? ', …' : ''}); delete them first`,
    )
  }
}

/** Brings a deleted branch back with its endpoints, roles and data. */
export async function recoverBranch(
  context: Context,
  projectId: string,
  idOrName: string,
): Promise<BranchRow> {
  await requireProject(context, projectId)
  const branch = await store.findDeletedBranch(context.store, projectId, idOrName)
  if (branch === undefined) {
    const live = await store.findBranch(context.store, projectId, idOrName)
    if (live === undefined) throw branchNotFound(idOrName)
    throw new AppError('not_recoverable', `branch ${live.name} is not deleted`)
  }
  return context.locks.run(branch.id, async () => {
    // Waited for the lock: a purge may have come first.
    if (!(await hasData(context, branch))) {
      throw new AppError('not_recoverable', `the data of branch ${branch.name} is gone for good`)
    }
    if (await store.findBranch(context.store, projectId, branch.name)) throw nameTaken(branch.name)
    for (const endpoint of await listBranchEndpoints(context.store, branch.id)) {
      await registerCompute(context, endpoint)
    }
    try {
      await store.markBranchRecovered(context.store, branch.id, branch.name)
    } catch (error) {
      throw isUniqueViolation(error) ? nameTaken(branch.name) : error
    }
    return requireBranch(context, projectId, branch.id)
  })
}

const nameTaken = (name: string): AppError =>
  new AppError('branch_exists', `another branch is named ${name} now; rename or delete it first`)

const expiryLimitDays = 30

function parseExpiry(text: string | null): Date | null {
  if (text === null) return null
  const date = new Date(text)
  const limit = Date.now() + expiryLimitDays * 86_400_000
  if (Number.isNaN(date.getTime()) || date.getTime() <= Date.now() || date.getTime() > limit) {
    throw new AppError(
      'invalid_request',
      `expires_at must be a time within the next ${expiryLimitDays} days, e.g. ${new Date(Date.now() + 86_400_000).toISOString()}`,
    )
  }
  return date
}

const cannotExpire = (name: string, why: 'is protected' | 'is the default branch'): AppError =>
  new AppError(
    why === 'is protected' ? 'branch_is_protected' : 'branch_is_default',
    `branch ${name} ${why} and cannot expire; clear its expiration with \`neon branches set-expiration ${name}\``,
  )

import { checkObjectName } from '../compute/object-names.ts'
import { AppError } from '../lib/errors.ts'
import { newPassword } from '../lib/passwords.ts'
import { verifyPassword } from '../lib/scram.ts'
import { requireBranchCompute, requireKnowingCompute } from './branch-compute.ts'
import { syncCatalog } from './catalog-sync.ts'
import type { Context } from './context.ts'
import { requireBranch, requireProject } from './lookups.ts'
import type { ConfigChange } from './operations/apply-config.ts'
import { runOperation } from './operations/runner.ts'
import type { BranchRow } from './store/branches.ts'
import { listDatabases } from './store/databases.ts'
import { insertOperation, type OperationRow } from './store/operations.ts'
import * as store from './store/roles.ts'
import type { RoleRow } from './store/roles.ts'

export interface RoleChange {
  role: RoleRow
  password?: string
  operations: OperationRow[]
}

export async function listRoles(
  context: Context,
  projectId: string,
  branchName: string,
): Promise<RoleRow[]> {
  const branch = await requireBranch(context, projectId, branchName)
  await syncCatalog(context, branch.id)
  return store.listRoles(context.store, branch.id)
}

export async function requireRole(
  context: Context,
  branch: BranchRow,
  name: string,
): Promise<RoleRow> {
  await syncCatalog(context, branch.id)
  const role = await store.findRole(context.store, branch.id, name)
  if (role !== undefined) return role
  throw new AppError('role_not_found', `role ${name} does not exist on branch ${branch.name}`)
}

export async function createRole(
  context: Context,
  projectId: string,
  branchName: string,
  request: { name: string; no_login?: boolean },
): Promise<RoleChange> {
  const project = await requireProject(context, projectId)
  return inCatalogOrder(context, projectId, branchName, async (branch) => {
    const name = checkObjectName('role', request.name)
    await requireBranchCompute(context, branch)
    await syncCatalog(context, branch.id)
    if ((await store.findRole(context.store, branch.id, name)) !== undefined) {
      throw new AppError('role_exists', `role ${name} already exists on branch ${branch.name}`)
    }
    const password = request.no_login === true ? undefined : newPassword()
    const operation = await applyChange(context, branch, {
      kind: 'create_role',
      role_name: name,
      password_sealed: password === undefined ? null : seal(context, password),
      store: project.store_passwords,
    })
    return {
      role: await requireRole(context, branch, name),
      ...(password !== undefined && { password }),
      operations: [operation],
    }
  })
}

export async function resetPassword(
  context: Context,
  projectId: string,
  branchName: string,
  name: string,
): Promise<RoleChange> {
  const project = await requireProject(context, projectId)
  return inCatalogOrder(context, projectId, branchName, async (branch) => {
    await requireRole(context, branch, name)
    await requireBranchCompute(context, branch)
    const password = newPassword()
    const operation = await applyChange(context, branch, {
      kind: 'reset_password',
      role_name: name,
      password_sealed: seal(context, password),
      store: project.store_passwords,
    })
    return { role: await requireRole(context, branch, name), password, operations: [operation] }
  })
}

export async function deleteRole(
  context: Context,
  projectId: string,
  branchName: string,
  name: string,
): Promise<RoleChange> {
  return inCatalogOrder(context, projectId, branchName, async (branch) => {
    const role = await requireRole(context, branch, name)
    await requireBranchCompute(context, branch)
    const owned = (await listDatabases(context.store, branch.id)).find(
      (database) => database.owner_name === name,
    )
    if (owned !== undefined) {
      throw new AppError(
        'role_owns_objects',
        `role ${name} owns database ${owned.name}; give the database another owner first`,
      )
    }
    const operation = await applyChange(context, branch, { kind: 'drop_role', role_name: name })
    return { role, operations: [operation] }
  })
}

/**
 * The stored password of a role, as long as it is the one that the branch accepts: SQL on the branch
 * may have set another since.
 */
export async function revealPassword(
  context: Context,
  projectId: string,
  branchName: string,
  name: string,
): Promise<string> {
  const branch = await requireBranch(context, projectId, branchName)
  const role = await requireRole(context, branch, name)
  const compute = await requireKnowingCompute(context, branch)
  const verifier = await compute.verifier(name)
  const password =
    role.password_sealed === null ? undefined : context.secrets.open(role.password_sealed)
  if (password !== undefined && verifier !== undefined) {
    if (await verifyPassword(password, verifier)) return password
  }
  throw new AppError(
    'password_not_stored',
    `the password of role ${name} is not stored; set a new one with \`coppice roles reset-password ${name} --branch ${branch.name}\``,
  )
}

/**
 * Changes of a branch's roles and databases one after another: each checks what it wants against what
 * the one before has left.
 */
export async function inCatalogOrder<T>(
  context: Context,
  projectId: string,
  branchName: string,
  change: (branch: BranchRow) => Promise<T>,
): Promise<T> {
  const { id } = await requireBranch(context, projectId, branchName)
  return context.locks.run(`catalog ${id}`, async () =>
    change(await requireBranch(context, projectId, id)),
  )
}

export async function applyChange(
  context: Context,
  branch: BranchRow,
  change: ConfigChange,
): Promise<OperationRow> {
  const operation = await insertOperation(context.store, {
    project_id: branch.project_id,
    branch_id: branch.id,
    action: 'apply_config',
    input: change,
  })
  return runOperation(context, operation)
}

const seal = (context: Context, password: string): string =>
  context.secrets.seal(password).toString('base64')

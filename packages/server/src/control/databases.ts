import { checkObjectName } from '../compute/object-names.ts'
import { AppError } from '../lib/errors.ts'
import { requireBranchCompute } from './branch-compute.ts'
import { syncCatalog } from './catalog-sync.ts'
import type { Context } from './context.ts'
import { requireBranch } from './lookups.ts'
import { applyChange, inCatalogOrder, requireRole } from './roles.ts'
import type { BranchRow } from './store/branches.ts'
import * as store from './store/databases.ts'
import type { DatabaseRow } from './store/databases.ts'
import type { OperationRow } from './store/operations.ts'

export interface DatabaseChange {
  database: DatabaseRow
  operations: OperationRow[]
}

export async function listDatabases(
  context: Context,
  projectId: string,
  branchName: string,
): Promise<DatabaseRow[]> {
  const branch = await requireBranch(context, projectId, branchName)
  await syncCatalog(context, branch.id)
  return store.listDatabases(context.store, branch.id)
}

export async function requireDatabase(
  context: Context,
  branch: BranchRow,
  name: string,
): Promise<DatabaseRow> {
  await syncCatalog(context, branch.id)
  const database = await store.findDatabase(context.store, branch.id, name)
  if (database !== undefined) return database
  throw new AppError(
    'database_not_found',
    `database ${name} does not exist on branch ${branch.name}`,
  )
}

export async function createDatabase(
  context: Context,
  projectId: string,
  branchName: string,
  request: { name: string; owner_name: string },
): Promise<DatabaseChange> {
  return inCatalogOrder(context, projectId, branchName, async (branch) => {
    const name = checkObjectName('database', request.name)
    await requireBranchCompute(context, branch)
    await requireRole(context, branch, request.owner_name)
    await refuseExisting(context, branch, name)
    const operation = await applyChange(context, branch, {
      kind: 'create_database',
      database_name: name,
      owner_name: request.owner_name,
    })
    return { database: await requireDatabase(context, branch, name), operations: [operation] }
  })
}

export async function updateDatabase(
  context: Context,
  projectId: string,
  branchName: string,
  currentName: string,
  change: { name?: string; owner_name?: string },
): Promise<DatabaseChange> {
  return inCatalogOrder(context, projectId, branchName, async (branch) => {
    const current = await requireDatabase(context, branch, currentName)
    await requireBranchCompute(context, branch)
    const name = change.name === undefined ? current.name : checkObjectName('database', change.name)
    const operations: OperationRow[] = []
    if (change.owner_name !== undefined && change.owner_name !== current.owner_name) {
      await requireRole(context, branch, change.owner_name)
      operations.push(
        await applyChange(context, branch, {
          kind: 'change_owner',
          database_name: current.name,
          owner_name: change.owner_name,
        }),
      )
    }
    if (name !== current.name) {
      await refuseExisting(context, branch, name)
      operations.push(
        await applyChange(context, branch, {
          kind: 'rename_database',
          database_name: current.name,
          new_name: name,
        }),
      )
    }
    return { database: await requireDatabase(context, branch, name), operations }
  })
}

export async function deleteDatabase(
  context: Context,
  projectId: string,
  branchName: string,
  name: string,
): Promise<DatabaseChange> {
  return inCatalogOrder(context, projectId, branchName, async (branch) => {
    const database = await requireDatabase(context, branch, name)
    await requireBranchCompute(context, branch)
    const operation = await applyChange(context, branch, {
      kind: 'drop_database',
      database_name: name,
    })
    return { database, operations: [operation] }
  })
}

async function refuseExisting(context: Context, branch: BranchRow, name: string): Promise<void> {
  await syncCatalog(context, branch.id)
  if ((await store.findDatabase(context.store, branch.id, name)) === undefined) return
  throw new AppError(
    'database_exists',
    `database ${name} already exists on branch ${branch.name}; choose another name`,
  )
}

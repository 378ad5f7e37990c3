import {
  changeDatabaseOwner,
  createDatabase,
  dropDatabase,
  renameDatabase,
} from '../../compute/databases.ts'
import { createRole, dropRole, setPassword } from '../../compute/roles.ts'
import { must } from '../../lib/assert.ts'
import { createVerifier } from '../../lib/scram.ts'
import { requireBranchCompute } from '../branch-compute.ts'
import { syncCatalog } from '../catalog-sync.ts'
import type { Context } from '../context.ts'
import { findAnyBranch } from '../store/branches.ts'
import { putDatabase, renameDatabase as renameRow } from '../store/databases.ts'
import type { OperationRow } from '../store/operations.ts'
import { putRole } from '../store/roles.ts'
import type { OperationKind } from './operation.ts'

/** One change of a branch's roles or databases, as the row's `input` holds it. */
export type ConfigChange =
  | { kind: 'create_role'; role_name: string; password_sealed: string | null; store: boolean }
  | { kind: 'reset_password'; role_name: string; password_sealed: string; store: boolean }
  | { kind: 'drop_role'; role_name: string }
  | { kind: 'create_database'; database_name: string; owner_name: string }
  | { kind: 'rename_database'; database_name: string; new_name: string }
  | { kind: 'change_owner'; database_name: string; owner_name: string }
  | { kind: 'drop_database'; database_name: string }

/** Changes the cluster first, then the rows: a row that is listed can be used. */
export const applyConfig: OperationKind = {
  onCrash: 'finish',
  steps: [
    { name: 'apply', run: apply },
    { name: 'record', run: record },
  ],
}

const changeOf = (operation: OperationRow): ConfigChange =>
  operation.input as unknown as ConfigChange

async function apply(context: Context, operation: OperationRow): Promise<void> {
  const branch = await findAnyBranch(context.store, must(operation.branch_id, 'names a branch'))
  if (branch === undefined || branch.deleted_at !== null) return
  const compute = await requireBranchCompute(context, branch)
  const change = changeOf(operation)
  switch (change.kind) {
    case 'create_role':
      return createRole(compute, {
        name: change.role_name,
        verifier: change.password_sealed && (await verifier(context, change.password_sealed)),
        replication: compute.spec.logicalReplication,
      })
    case 'reset_password':
      return setPassword(compute, change.role_name, await verifier(context, change.password_sealed))
    case 'drop_role':
      return dropRole(compute, change.role_name)
    case 'create_database':
      return createDatabase(compute, { name: change.database_name, owner: change.owner_name })
    case 'rename_database':
      return renameDatabase(compute, change.database_name, change.new_name)
    case 'change_owner':
      return changeDatabaseOwner(compute, change.database_name, change.owner_name)
    case 'drop_database':
      return dropDatabase(compute, change.database_name)
  }
}

async function record(context: Context, operation: OperationRow): Promise<void> {
  const branchId = must(operation.branch_id, 'apply_config names a branch')
  const branch = await findAnyBranch(context.store, branchId)
  if (branch === undefined || branch.deleted_at !== null) return
  const change = changeOf(operation)
  switch (change.kind) {
    case 'create_role':
    case 'reset_password':
      await putRole(context.store, {
        branch_id: branchId,
        name: change.role_name,
        password_sealed:
          change.password_sealed !== null && change.store
            ? Buffer.from(change.password_sealed, 'base64')
            : null,
        can_login: change.password_sealed !== null,
      })
      break
    case 'create_database':
      await putDatabase(context.store, {
        branch_id: branchId,
        name: change.database_name,
        owner_name: change.owner_name,
      })
      break
    case 'rename_database':
      await renameRow(context.store, branchId, change.database_name, change.new_name)
      break
    case 'drop_role':
    case 'change_owner':
    case 'drop_database':
      break
  }
  await syncCatalog(context, branchId)
}

async function verifier(context: Context, sealed: string): Promise<string> {
  return createVerifier(context.secrets.open(Buffer.from(sealed, 'base64')))
}

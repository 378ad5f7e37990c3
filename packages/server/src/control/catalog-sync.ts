import { findBranchCompute } from './branch-compute.ts'
import type { Context } from './context.ts'
import { findAnyBranch, setLogicalSize } from './store/branches.ts'
import { syncDatabases } from './store/databases.ts'
import { syncRoles } from './store/roles.ts'
import { transact } from './store/store.ts'

/**
 * Brings the listed roles and databases of a branch up to what its cluster has, since SQL can change
 * them too. Reads the cluster where it is awake; where it sleeps, nothing has changed since it was read.
 */
export async function syncCatalog(context: Context, branchId: string): Promise<void> {
  const compute = await findBranchCompute(context, branchId)
  if (compute === undefined) return
  const catalog = await compute.catalog()
  const branch = await findAnyBranch(context.store, branchId)
  if (catalog === undefined || branch === undefined || branch.ready_at === null) return
  // No cluster is without roles: this one has not been read yet, as that of a branch of a snapshot, which has
  // no compute to ask before its own first starts.
  if (catalog.roles.length === 0) return
  const bytes = catalog.databases.reduce((sum, database) => sum + database.sizeBytes, 0)
  await transact(context.store, async (sql) => {
    await syncRoles(sql, branchId, catalog.roles)
    await syncDatabases(sql, branchId, catalog.databases)
    await setLogicalSize(sql, branchId, bytes)
  })
}

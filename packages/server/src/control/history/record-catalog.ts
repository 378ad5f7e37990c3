import type { ClusterCatalog } from '../../compute/spec.ts'
import type { Context } from '../context.ts'
import { type BranchRow, setLogicalSize } from '../store/branches.ts'
import { copyDatabases, syncDatabases } from '../store/databases.ts'
import { copyRoles, syncRoles } from '../store/roles.ts'
import { transact } from '../store/store.ts'

/**
 * Rows of the roles and databases of a branch that is being made: those of its source, or of its past
 * where it is made from that. Passwords are the source's in any case.
 */
export async function recordCatalog(
  context: Context,
  made: { branch: BranchRow; source: BranchRow; past: ClusterCatalog | undefined },
): Promise<void> {
  const { branch, source, past } = made
  await transact(context.store, async (sql) => {
    await copyRoles(sql, source.id, branch.id)
    await copyDatabases(sql, source.id, branch.id)
    if (past === undefined) return
    await syncRoles(sql, branch.id, past.roles)
    await syncDatabases(sql, branch.id, past.databases)
    const bytes = past.databases.reduce((sum, database) => sum + database.sizeBytes, 0)
    await setLogicalSize(sql, branch.id, bytes)
  })
}

import type { VerifierOf } from '../compute/copy-roles.ts'
import { newPassword } from '../lib/passwords.ts'
import { createVerifier } from '../lib/scram.ts'
import type { Context } from './context.ts'
import { currentCatalog } from './history/make-volume.ts'
import type { BranchRow } from './store/branches.ts'
import { findRole, putRole } from './store/roles.ts'

/**
 * Passwords of a branch's own for roles that are copied from another: whoever is given this branch's must
 * not be able to log in to that one. Those that the branch has already stay; new ones are put into its rows.
 */
export async function ownVerifiers(context: Context, branch: BranchRow): Promise<VerifierOf> {
  const catalog = await currentCatalog(context, branch)
  return async ({ name, verifier }) => {
    const current = catalog?.roles.find((role) => role.name === name)?.verifier
    // As it is: the gateway may still know it from before.
    if (current) return current
    const stored = await findRole(context.store, branch.id, name)
    if (stored?.password_sealed) {
      return createVerifier(context.secrets.open(stored.password_sealed))
    }
    const password = verifier === null ? undefined : newPassword()
    await putRole(context.store, {
      branch_id: branch.id,
      name,
      password_sealed: password === undefined ? null : context.secrets.seal(password),
      can_login: stored?.can_login ?? password !== undefined,
    })
    return password === undefined ? null : createVerifier(password)
  }
}

import type { ConnectionTarget } from './connection-uri.ts'
import type { Context } from './context.ts'
import type { DatabaseRow } from './store/databases.ts'
import type { EndpointRow } from './store/endpoints.ts'
import type { RoleRow } from './store/roles.ts'

interface BranchParts {
  endpoints: readonly EndpointRow[]
  roles: readonly RoleRow[]
  databases: readonly DatabaseRow[]
}

/**
 * Where a connection to a branch goes when nothing is chosen: to its first database, which is the
 * project's own, as that one's owner. Undefined where the branch has no compute or the password is not
 * stored.
 */
export function defaultConnection(
  context: Context,
  { endpoints, roles, databases }: BranchParts,
): ConnectionTarget | undefined {
  const endpoint = endpoints.find((one) => one.type === 'read_write')
  const [database] = databases
  const role = roles.find((one) => one.name === database?.owner_name)
  if (!endpoint || !role?.password_sealed || !database) return undefined
  return {
    endpointId: endpoint.id,
    role: role.name,
    password: context.secrets.open(role.password_sealed),
    database: database.name,
    pooled: false,
  }
}

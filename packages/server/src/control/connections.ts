import { AppError } from '../lib/errors.ts'
import { connectionUri } from './connection-uri.ts'
import type { Context } from './context.ts'
import { requireDatabase } from './databases.ts'
import { requireEndpoint } from './endpoints.ts'
import { requireBranch, requireDefaultBranch } from './lookups.ts'
import { revealPassword } from './roles.ts'
import { listBranchEndpoints } from './store/endpoints.ts'

export interface ConnectionRequest {
  branch_id?: string
  endpoint_id?: string
  database_name: string
  role_name: string
  pooled?: boolean
}

/** A connection string with the password in it. Nothing is started for it. */
export async function getConnectionUri(
  context: Context,
  projectId: string,
  request: ConnectionRequest,
): Promise<string> {
  const named =
    request.endpoint_id && (await requireEndpoint(context, projectId, request.endpoint_id))
  const branch =
    named && request.branch_id === undefined
      ? await requireBranch(context, projectId, named.branch_id)
      : request.branch_id === undefined
        ? await requireDefaultBranch(context, projectId)
        : await requireBranch(context, projectId, request.branch_id)
  const endpoints = await listBranchEndpoints(context.store, branch.id)
  const endpoint = endpoints.find((one) =>
    named ? one.id === named.id : one.type === 'read_write',
  )
  if (endpoint === undefined) {
    throw new AppError(
      'endpoint_not_found',
      named
        ? `endpoint ${named.id} is not on branch ${branch.name}`
        : `branch ${branch.name} has no compute; add one with \`neon branches add-compute ${branch.name} --type read_write\``,
    )
  }
  await requireDatabase(context, branch, request.database_name)
  const password = await revealPassword(context, projectId, branch.id, request.role_name)
  return connectionUri(
    {
      endpointId: endpoint.id,
      role: request.role_name,
      password,
      database: request.database_name,
      pooled: request.pooled ?? false,
    },
    context.settings,
  )
}

import type { Endpoint } from '@coppice/api'

import { type BranchFlags, chooseBranch } from './branch-choice.ts'
import { branchOrDefault, type Scope } from './context.ts'
import { CliError } from './errors.ts'

export type EndpointPath = { project_id: string; endpoint_id: string }

/** Of the project, or of one branch. */
export async function listEndpoints(scope: Scope, branch: string | undefined): Promise<Endpoint[]> {
  const { client, projectId } = scope
  const path = { project_id: projectId }
  const { endpoints } =
    branch === undefined
      ? await client.listProjectEndpoints({ path })
      : await client.listProjectBranchEndpoints({ path: { ...path, branch_id: branch } })
  return endpoints
}

/** An id as it is; a branch stands for its read-write endpoint, or for the only one it has. */
export async function endpointPath(
  scope: Scope,
  positional: string | undefined,
  { branch, branchName }: BranchFlags,
): Promise<EndpointPath> {
  const project = { project_id: scope.projectId }
  const isId = positional?.startsWith('ep-') === true
  const flagged = chooseBranch({ flags: { branch, branchName } })
  if (isId && flagged === undefined) return { ...project, endpoint_id: positional }
  if (isId) throw new CliError('Name the endpoint or its branch, not both.')
  const name = chooseBranch({ positional, flags: { branch, branchName } })
  if (name === undefined) {
    throw new CliError('Which endpoint?', {
      advice: 'Give its id, or the name of its branch. `coppice endpoints list` shows them.',
    })
  }
  const endpoints = await listEndpoints(scope, name)
  const writable = endpoints.find((endpoint) => endpoint.type === 'read_write')
  const endpoint = writable ?? (endpoints.length === 1 ? endpoints[0] : undefined)
  if (endpoint) return { ...project, endpoint_id: endpoint.id }
  throw new CliError(`Branch ${name} has no read-write endpoint.`, {
    advice: 'Give it one with `coppice branches add-compute <branch> --type read_write`.',
  })
}

/** The same, of the pinned branch or the default one where nothing is named. */
export async function endpointPathOrDefault(
  scope: Scope,
  positional: string | undefined,
  flags: BranchFlags,
): Promise<EndpointPath> {
  const branch = chooseBranch({ flags })
  const isNamed = positional !== undefined || branch !== undefined
  if (isNamed) return endpointPath(scope, positional, { branch })
  return endpointPath(scope, await branchOrDefault(scope, undefined), {})
}

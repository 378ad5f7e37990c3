import { type BranchFlags, chooseBranch } from './branch-choice.ts'
import type { Cli } from './cli.ts'
import { openBranch, openScope, type Scope } from './context.ts'
import { CliError } from './errors.ts'

export interface ChosenEndpoint {
  scope: Scope
  path: { project_id: string; endpoint_id: string }
}

/** An endpoint by its id, or that of a branch which clients write to; else the only one it has. */
export async function chooseEndpoint(
  cli: Cli,
  positional: string | undefined,
  flags: BranchFlags,
): Promise<ChosenEndpoint> {
  const name = chooseBranch({ positional, flags })
  if (positional !== undefined && positional === name && positional.startsWith('ep-')) {
    const scope = await openScope(cli)
    return { scope, path: { project_id: scope.projectId, endpoint_id: positional } }
  }
  const scope = await openBranch(cli, name)
  const { endpoints } = await scope.client.listProjectBranchEndpoints({ path: scope.path })
  const [first, second] = endpoints
  const writable = endpoints.find((endpoint) => endpoint.type === 'read_write')
  const endpoint = writable ?? (second === undefined ? first : undefined)
  if (endpoint) return { scope, path: { project_id: scope.projectId, endpoint_id: endpoint.id } }
  throw new CliError('The branch has no read-write endpoint.', {
    advice: 'Name an endpoint by its id: `coppice endpoints list` shows them.',
  })
}

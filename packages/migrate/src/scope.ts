import type { Branch } from '@coppice/api'
import type { Client } from '@coppice/api/client'

/** A client of the API, with the rights of whoever asks, and the project that the work is about. */
export interface Scope {
  client: Client
  projectId: string
}

/** The same with a branch, as paths take it. */
export interface BranchScope extends Scope {
  path: { project_id: string; branch_id: string }
}

/** A branch by name or id. */
export async function getBranch({ client, projectId }: Scope, nameOrId: string): Promise<Branch> {
  const path = { project_id: projectId, branch_id: nameOrId }
  return (await client.getProjectBranch({ path })).branch
}

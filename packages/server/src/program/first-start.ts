import { readFile } from 'node:fs/promises'

import { createApiKey } from '../control/api-keys.ts'
import { connectionUri } from '../control/connection-uri.ts'
import type { Context } from '../control/context.ts'
import { defaultConnection } from '../control/default-connection.ts'
import { createProject } from '../control/projects.ts'
import { findApiKey } from '../control/store/api-keys.ts'
import { findDefaultBranch } from '../control/store/branches.ts'
import { listDatabases } from '../control/store/databases.ts'
import { listBranchEndpoints } from '../control/store/endpoints.ts'
import { listProjects } from '../control/store/projects.ts'
import { listRoles } from '../control/store/roles.ts'
import { writeFileAtomically } from '../lib/files.ts'
import type { Home } from '../lib/home.ts'
import { hashApiKey } from '../lib/passwords.ts'

/**
 * The key of whoever runs the platform, in a file that only they can read. A new one is made when the
 * file is gone, or when the store does not know its key: it was revoked, or the store is another.
 */
export async function ensureApiKey(context: Context, home: Home): Promise<void> {
  const current = await readFile(home.apiKey, 'utf8').catch(() => '')
  if (await findApiKey(context.store, hashApiKey(current.trim()))) return
  const { key } = await createApiKey(context, { kind: 'user', name: 'local' })
  await writeFileAtomically(home.apiKey, `${key}\n`, 0o600)
}

export interface ReadyProject {
  projectId: string
  /** With the password in it; undefined where the role's is not stored. */
  connectionUri: string | undefined
}

/** The first project, made when there is none; its connection string is what `up` ends with. */
export async function ensureProject(
  context: Context,
  onStep: (message: string) => void,
): Promise<ReadyProject> {
  const [project] = await listProjects(context.store, { limit: 1, deleted: false })
  if (project !== undefined) {
    return { projectId: project.id, connectionUri: await findConnectionUri(context, project.id) }
  }
  onStep('Making the first project')
  const made = await createProject(context, { name: 'main' })
  return { projectId: made.project.id, connectionUri: made.connection.connection_uri }
}

async function findConnectionUri(context: Context, projectId: string): Promise<string | undefined> {
  const branch = await findDefaultBranch(context.store, projectId)
  if (branch === undefined) return undefined
  const [endpoints, roles, databases] = await Promise.all([
    listBranchEndpoints(context.store, branch.id),
    listRoles(context.store, branch.id),
    listDatabases(context.store, branch.id),
  ])
  const target = defaultConnection(context, { endpoints, roles, databases })
  return target && connectionUri(target, context.settings)
}

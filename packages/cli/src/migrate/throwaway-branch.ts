import type { Branch } from '@coppice/api'

import type { Scope } from '../context.ts'
import { defined } from '../defined.ts'
import type { Moment } from '../point-in-time.ts'
import { stampOf } from './undo.ts'

/** A copy of a branch for one purpose. */
export interface ThrowawayCopy {
  source: Branch
  /** The branch's name begins with it. */
  purpose: string
  /** As the source was then; as it is, unless given. */
  moment?: Moment
  /** Neither delete it nor let it expire. */
  keep?: boolean
}

/** What a killed program leaves behind goes by itself. */
const branchLivesMs = 24 * 3600 * 1000

/** Runs `work` with a branch of its own, which is deleted whatever happens, unless it is to be kept. */
export async function onThrowawayBranch<T>(
  { client, projectId }: Scope,
  { source, purpose, moment = {}, keep = false }: ThrowawayCopy,
  work: (branch: Branch) => Promise<T>,
): Promise<T> {
  const expiresAt = new Date(Date.now() + branchLivesMs).toISOString()
  const { branch } = await client.createProjectBranch({
    path: { project_id: projectId },
    body: {
      branch: {
        name: `${purpose}-of-${source.name}-${stampOf(new Date())}`,
        parent_id: source.id,
        ...defined({ parent_lsn: moment.lsn, parent_timestamp: moment.timestamp }),
        ...(!keep && { expires_at: expiresAt }),
      },
      endpoints: [{ type: 'read_write' }],
    },
  })
  const remove = async () =>
    client.deleteProjectBranch({
      path: { project_id: projectId, branch_id: branch.id },
      query: { hard_delete: true },
    })
  // With its branch, what waits for an answer of its PostgreSQL ends.
  const interrupt = () => void remove().catch(() => undefined)
  if (!keep) process.once('SIGINT', interrupt)
  try {
    return await work(branch)
  } finally {
    process.off('SIGINT', interrupt)
    if (!keep) await remove()
  }
}

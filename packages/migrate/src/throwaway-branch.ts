import type { Branch } from '@coppice/api'

import type { Moment } from './moment.ts'
import type { Observer } from './observer.ts'
import type { Scope } from './scope.ts'
import { stampOf } from './stamp.ts'

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
  observer: Observer,
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
        ...(moment.lsn !== undefined && { parent_lsn: moment.lsn }),
        ...(moment.timestamp !== undefined && { parent_timestamp: moment.timestamp }),
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
  const stay = keep ? () => undefined : observer.onCancel(interrupt)
  try {
    return await work(branch)
  } finally {
    stay()
    if (!keep) await remove()
  }
}

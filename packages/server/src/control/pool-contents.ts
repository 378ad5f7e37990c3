import type { PoolContents } from '@coppice/api'

import type { Context } from './context.ts'
import { listPoolBranches, sumPoolProjects } from './store/pool-contents.ts'
import { findUnknownVolumes, spaceReserveBytes } from './volumes.ts'

/** Of each list; the rest is small. */
const shownMax = 400

/** What takes the pool. Sizes are as they were last read, so nothing is looked at for it. */
export async function reportPoolContents(context: Context): Promise<PoolContents> {
  const [space, projects, branches, unknown] = await Promise.all([
    context.volumes.space(),
    sumPoolProjects(context.store),
    listPoolBranches(context.store, shownMax),
    findUnknownVolumes(context),
  ])
  return {
    total_bytes: space.totalBytes,
    free_bytes: space.freeBytes,
    reserve_bytes: Math.round(spaceReserveBytes(space.totalBytes)),
    exclusive_bytes: projects.reduce((sum, one) => sum + one.exclusive_bytes, 0),
    projects: projects.slice(0, shownMax),
    branches: branches.map(({ logical_size_bytes, exclusive_bytes, ...row }) => ({
      ...row,
      ...(logical_size_bytes !== null && { logical_size_bytes }),
      ...(exclusive_bytes !== null && { exclusive_bytes }),
    })),
    unknown_volumes: unknown,
  }
}

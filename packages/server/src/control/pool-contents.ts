import type { PoolContents } from '@coppice/api'

import type { Context } from './context.ts'
import { listPoolBranches, listPoolProjects, sumExclusive } from './store/pool-contents.ts'
import { findUnknownVolumes, spaceReserveBytes } from './volumes.ts'

/** Of each list; the rest is small. */
const shownMax = 400

/** What takes the pool. Sizes are as they were last read, so nothing is looked at for it. */
export async function reportPoolContents(context: Context): Promise<PoolContents> {
  const { store } = context
  const [space, exclusive, projects, branches, unknown] = await Promise.all([
    context.volumes.space(),
    sumExclusive(store),
    listPoolProjects(store, shownMax),
    listPoolBranches(store, shownMax),
    findUnknownVolumes(context),
  ])
  return {
    total_bytes: space.totalBytes,
    free_bytes: space.freeBytes,
    reserve_bytes: Math.round(spaceReserveBytes(space.totalBytes)),
    exclusive_bytes: exclusive,
    projects: projects.map(withoutNulls),
    branches: branches.map(withoutNulls),
    unknown_volumes: unknown,
  }
}

interface Sizes {
  logical_size_bytes: number | null
  exclusive_bytes: number | null
}

function withoutNulls<Row extends Sizes>({ logical_size_bytes, exclusive_bytes, ...row }: Row) {
  return {
    ...row,
    ...(logical_size_bytes !== null && { logical_size_bytes }),
    ...(exclusive_bytes !== null && { exclusive_bytes }),
  }
}

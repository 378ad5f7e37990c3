import { relative } from 'node:path'

import type { PoolContents } from '@coppice/api'

import { scratchPrefix } from '../lib/ids.ts'
import type { Context } from './context.ts'
import { listPacked, packedPath } from './packed-volume.ts'
import { listVolumeIds } from './store/branches.ts'
import { listPoolBranches, listPoolProjects, sumExclusive } from './store/pool-contents.ts'
import { spaceReserveBytes } from './volumes.ts'

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

/** Of volumes that are made without a row, and gone again. */
const ownPrefixes = ['template-', scratchPrefix]

/** What no row explains: names of volumes, and where packed ones are. They may be all that is left of a lost store. */
export async function findUnknownVolumes(context: Context): Promise<string[]> {
  const { store, volumes } = context
  // In this order: a row is there before its volume.
  const names = await volumes.list()
  const packed = await listPacked(volumes.root)
  const known = new Set(await listVolumeIds(store))
  return [
    ...names
      .filter((name) => !known.has(name))
      .filter((name) => !ownPrefixes.some((prefix) => name.startsWith(prefix))),
    ...packed
      .filter((id) => !known.has(id))
      .map((id) => relative(volumes.root, packedPath(context, id))),
  ]
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

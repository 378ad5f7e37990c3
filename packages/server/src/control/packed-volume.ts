import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

import { isThere, namesIn, syncDirectory, syncFileSystem } from '../lib/files.ts'
import type { Context } from './context.ts'
import { withScratch } from './history/scratch.ts'
import { packDirectory, unpackFile } from './tar.ts'
import { volumeDataDirectory } from './volumes.ts'

/**
 * Volumes that are put away: one compressed file each, in the pool beside the volumes. A volume is
 * packed or unpacked, and for a moment both; the file goes last, and an unpacked volume is the truth.
 */

/**
 * Packs a volume that nothing runs on, and destroys it, where that frees more than the file takes: much of
 * a branch is its parent's, and stays where it is. `exclusively` runs the exchange while nothing can
 * start on the volume, or does not run it; whatever has started on it meanwhile keeps it.
 */
export async function packVolume(
  context: Context,
  volumeId: string,
  exclusively: (exchange: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const { exclusiveBytes } = await context.volumes.usage(volumeId)
  if (exclusiveBytes !== undefined && exclusiveBytes < worthPackingBytes) return
  const path = packedPath(context, volumeId)
  const unfinished = `${path}${unfinishedSuffix}`
  await mkdir(packedDirectory(context.volumes.root), { recursive: true, mode: 0o700 })
  try {
    const before = await lastChange(context, volumeId)
    await packDirectory(context.volumes.path(volumeId), 'pgdata', unfinished)
    const { size } = await stat(unfinished)
    if (exclusiveBytes !== undefined && size >= exclusiveBytes) return
    await exclusively(async () => {
      if ((await lastChange(context, volumeId)) !== before) return
      await rename(unfinished, path)
      await syncDirectory(packedDirectory(context.volumes.root))
      await context.volumes.destroy(volumeId)
    })
  } finally {
    await rm(unfinished, { force: true })
  }
}

/** Every start and every stop of PostgreSQL writes this file. In nanoseconds. */
export async function lastChange(context: Context, volumeId: string): Promise<bigint> {
  const path = join(volumeDataDirectory(context.volumes, volumeId), 'global', 'pg_control')
  return (await stat(path, { bigint: true })).mtimeNs
}

/** Below this there is nothing to gain. */
const worthPackingBytes = 16 * 1024 * 1024

/** Makes a packed volume again; nothing to do for any other. */
export async function unpackVolume(context: Context, volumeId: string): Promise<void> {
  if (await context.volumes.exists(volumeId)) return
  const path = packedPath(context, volumeId)
  if (!(await isThere(path))) return
  await context.locks.run(`packed ${volumeId}`, async () => {
    if (await context.volumes.exists(volumeId)) return
    await withScratch(context, async (scratchId) => {
      await context.volumes.create(scratchId)
      const target = context.volumes.path(scratchId)
      await unpackFile(path, target)
      await syncFileSystem(target)
      await context.volumes.rename(scratchId, volumeId)
    })
    await removePacked(context, volumeId)
  })
}

export async function isPacked(context: Context, volumeId: string): Promise<boolean> {
  return isThere(packedPath(context, volumeId))
}

/** Survives a power cut: what is gone may be named by no row when it is over. */
export async function removePacked(context: Context, volumeId: string): Promise<void> {
  const directory = packedDirectory(context.volumes.root)
  await rm(packedPath(context, volumeId), { force: true })
  if (await isThere(directory)) await syncDirectory(directory)
}

/** The volumes that are packed. */
export async function listPacked(poolDirectory: string): Promise<string[]> {
  const names = await namesIn(packedDirectory(poolDirectory))
  return names.filter((name) => name.endsWith(suffix)).map((name) => name.slice(0, -suffix.length))
}

/** After a crash, before anything is packed: what was left half-made, and what lies beside its volume. */
export async function sweepPacked(context: Context): Promise<void> {
  const { root } = context.volumes
  for (const name of await namesIn(packedDirectory(root))) {
    if (name.endsWith(unfinishedSuffix)) await rm(join(packedDirectory(root), name))
  }
  const unpacked = new Set(await context.volumes.list())
  for (const id of await listPacked(root)) if (unpacked.has(id)) await removePacked(context, id)
}

const suffix = '.tar.gz'
const unfinishedSuffix = '.unfinished'

/** In a pool. */
export const packedDirectory = (poolDirectory: string): string => join(poolDirectory, 'archive')

export const packedPath = (context: Context, volumeId: string): string =>
  join(packedDirectory(context.volumes.root), `${volumeId}${suffix}`)

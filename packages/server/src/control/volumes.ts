import { join } from 'node:path'

import { AppError } from '../lib/errors.ts'
import type { VolumeDriver } from '../volume/volume.ts'

/** PostgreSQL's data directory within a volume. */
export function volumeDataDirectory(volumes: VolumeDriver, volumeId: string): string {
  return join(volumes.path(volumeId), 'pgdata')
}

/** The volume that a data directory lies in: `…/<volume>/data/pgdata`. */
export function volumeOfDataDirectory(dataDirectory: string): string {
  return dataDirectory.split('/').at(-3) ?? ''
}

/**
 * Below this nothing new is made: a full pool stops every compute on it, so the rest is for what runs.
 * A twentieth of the pool, between 256 MiB and 10 GiB.
 */
export function spaceReserveBytes(totalBytes: number): number {
  return Math.min(Math.max(totalBytes / 20, 256 * 1024 ** 2), 10 * 1024 ** 3)
}

/** Refuses early, before anything is made, when the pool is short of space. */
export async function requireSpace(volumes: VolumeDriver): Promise<void> {
  const { totalBytes, freeBytes } = await volumes.space()
  if (freeBytes >= spaceReserveBytes(totalBytes)) return
  throw new AppError(
    'pool_full',
    `the storage pool has ${toMegabytes(freeBytes)} MB left, which is kept for running computes; ` +
      'delete branches with --hard-delete or enlarge it with `coppice pool grow --size …`',
  )
}

const toMegabytes = (bytes: number): number => Math.floor(bytes / 1024 ** 2)

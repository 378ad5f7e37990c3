import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { AppError, errorCode } from '../lib/errors.ts'
import { writeFileAtomically } from '../lib/files.ts'
import type { VolumeDriver } from '../volume/volume.ts'

/**
 * Marks the pool with the platform whose store describes it. With another store nothing on the pool
 * would make sense, and cleaning up after crashes would be a loss of data, so that is refused. So is a new
 * pool where the store names volumes: theirs is not mounted, or gone.
 */
export async function claimPool(
  volumes: VolumeDriver,
  platformId: string,
  namedVolumes: readonly string[] = [],
): Promise<void> {
  const path = markPath(volumes)
  const owner = await readOwner(path)
  if (owner === platformId) return
  if (owner === undefined && (await volumes.list()).every((name) => name.startsWith('template-'))) {
    if (namedVolumes.length > 0) throw missing(volumes, namedVolumes.length)
    await writeFileAtomically(path, `${JSON.stringify({ platform_id: platformId })}\n`, 0o644)
    return
  }
  throw mismatch(volumes, owner, platformId)
}

/** The same before anything is written to a store that is empty: a pool in use is not its. */
export async function refuseEmptyStore(volumes: VolumeDriver): Promise<void> {
  const owner = await readOwner(markPath(volumes))
  if (owner !== undefined) throw mismatch(volumes, owner, 'none yet')
}

const markPath = (volumes: VolumeDriver): string => join(volumes.root, 'platform.json')

function mismatch(volumes: VolumeDriver, owner: string | undefined, platformId: string): AppError {
  return new AppError(
    'invalid_request',
    `the storage pool at ${volumes.root} belongs to platform ${owner ?? 'unknown'}, the metadata store to ` +
      `${platformId}; start with the store that this pool was made with, or with another --home`,
  )
}

function missing(volumes: VolumeDriver, count: number): AppError {
  return new AppError(
    'invalid_request',
    `the storage pool at ${volumes.root} is new, and the metadata store names ${count} volume(s) of another; ` +
      'mount the file system that holds them there and start again, or, where it is lost, restore a backup ' +
      'to another --home',
  )
}

async function readOwner(path: string): Promise<string | undefined> {
  try {
    const { platform_id } = JSON.parse(await readFile(path, 'utf8')) as { platform_id: string }
    return platform_id
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw new Error(`cannot read ${path}`, { cause: error })
  }
}

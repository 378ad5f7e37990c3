import { readdir, statfs } from 'node:fs/promises'

import type { OsUser } from '../lib/exec.ts'
import { isThere } from '../lib/files.ts'
import type { Home } from '../lib/home.ts'
import type { SavedConfig } from '../lib/saved-config.ts'
import {
  canCreatePoolImage,
  createPoolImage,
  minPoolImageBytes,
  mountPoolImage,
} from '../volume/pool-image.ts'
import { openPool, probePool } from '../volume/probe.ts'
import { parseSize } from '../volume/size.ts'
import type { VolumeDriver } from '../volume/volume.ts'

export interface PlatformPool {
  volumes: VolumeDriver
  /** To be remembered. */
  saved: Pick<SavedConfig, 'pool_image'>
}

interface PoolOptions {
  saved: SavedConfig
  poolSize: string | undefined
}

const mostDefaultBytes = 100 * 1024 ** 3

/**
 * The pool's image, where it has one: what is remembered, or what is there. A start that made one may have
 * come to nothing before anything was remembered.
 */
export async function findPoolImage(home: Home, saved: SavedConfig): Promise<string | undefined> {
  if (saved.pool_image !== undefined) return saved.pool_image
  return (await isThere(home.poolImage)) ? home.poolImage : undefined
}

/**
 * The pool of this platform: its image, mounted again; else the state directory's
 * own disk where that copies on write; else, where this process may, an image made now; else full copies,
 * with a warning that says what to do.
 */
export async function openPlatformPool(
  home: Home,
  options: PoolOptions,
  user: OsUser | undefined,
  onStep: (message: string) => void,
): Promise<PlatformPool> {
  const image = await findPoolImage(home, options.saved)
  if (image !== undefined) {
    await mountPoolImage({ imagePath: image, mountPoint: home.pool })
    return { volumes: await openPool(home.pool, user), saved: { pool_image: image } }
  }
  if (await wantsImage(home, options, user)) {
    const sizeBytes = await imageSize(home, options.poolSize)
    onStep(`Making a storage pool of ${Math.floor(sizeBytes / 1024 ** 3)} GB (sparse)`)
    await createPoolImage({ imagePath: home.poolImage, mountPoint: home.pool, sizeBytes })
    return { volumes: await openPool(home.pool, user), saved: { pool_image: home.poolImage } }
  }
  return { volumes: await openPool(home.pool, user), saved: {} }
}

/** Only for a pool that is new: volumes that are there stay where they are. */
async function wantsImage(
  home: Home,
  options: PoolOptions,
  user: OsUser | undefined,
): Promise<boolean> {
  if ((await readdir(home.pool)).length > 0) return false
  const { possible } = await canCreatePoolImage()
  if (!possible) return false
  if (options.poolSize !== undefined) return true
  const { driver } = await probePool(home.pool, user)
  return driver === 'copy' && (await imageSize(home, undefined)) >= minPoolImageBytes
}

/** The image is sparse, but what it may grow to should fit on the disk that holds it. */
export async function imageSize(home: Home, asked: string | undefined): Promise<number> {
  if (asked !== undefined) return parseSize(asked)
  const { bavail, bsize } = await statfs(home.root)
  return Math.min(Math.floor(bavail * bsize * 0.8), mostDefaultBytes)
}

import { lstat, mkdir, statfs } from 'node:fs/promises'
import { resolve } from 'node:path'

import { findDatabaseUser } from '../compute/os-user.ts'
import type { Environment } from '../lib/config.ts'
import { AppError } from '../lib/errors.ts'
import type { OsUser } from '../lib/exec.ts'
import { ifThere } from '../lib/files.ts'
import { type Home, homeOwner } from '../lib/home.ts'
import { readSavedConfig } from '../lib/saved-config.ts'
import {
  createPoolImage,
  growPoolImage,
  isMounted,
  mountPoolImage,
  type PoolImage,
} from '../volume/pool-image.ts'
import { openPool } from '../volume/probe.ts'
import { parseSize } from '../volume/size.ts'
import { findPoolImage, imageSize } from './platform-pool.ts'

export interface PoolReport {
  driver: string
  path: string
  total_bytes: number
  free_bytes: number
  image?: string
  warning?: string
}

/** `pool create --size`, `pool grow --size`, `pool mount`, `pool status`. */
export async function poolCommand(
  home: Home,
  environment: Environment,
  action: string | undefined,
  size: string | undefined,
): Promise<PoolReport> {
  switch (action) {
    case 'create':
      return create(home, environment, size)
    case 'grow':
      return grow(home, environment, size)
    case 'mount':
      await mountPoolImage(await requireImage(home))
      return report(home, environment)
    case 'status':
      return report(home, environment)
    case undefined:
    default:
      throw new AppError('invalid_request', 'choose one of pool create, grow, mount and status')
  }
}

async function create(
  home: Home,
  environment: Environment,
  size: string | undefined,
): Promise<PoolReport> {
  const saved = await readSavedConfig(home.config)
  const image = await findPoolImage(home, saved)
  if (image !== undefined) {
    throw new AppError(
      'invalid_request',
      `this platform has a pool image already (${image}); enlarge it with \`coppice pool grow --size …\``,
    )
  }
  await mkdir(home.root, { recursive: true, mode: 0o711 })
  const sizeBytes = await imageSize(home, size)
  // Nothing else is made, and nothing written down: the next `up` finds the image, whoever starts it.
  const { warning } = await createPoolImage({
    ...(await ownImage(home, home.poolImage)),
    sizeBytes,
  })
  return { ...(await report(home, environment)), ...(warning !== undefined && { warning }) }
}

async function grow(
  home: Home,
  environment: Environment,
  size: string | undefined,
): Promise<PoolReport> {
  if (size === undefined) {
    throw new AppError('invalid_request', 'say how large the pool should become: --size 100G')
  }
  const { warning } = await growPoolImage({
    ...(await requireImage(home)),
    sizeBytes: parseSize(size),
  })
  return { ...(await report(home, environment)), ...(warning !== undefined && { warning }) }
}

async function report(home: Home, environment: Environment): Promise<PoolReport> {
  const image = await findPoolImage(home, await readSavedConfig(home.config))
  if (image !== undefined && !(await isMounted({ imagePath: image, mountPoint: home.pool }))) {
    throw new AppError(
      'not_available',
      'the pool image is not mounted; `coppice up` mounts it as root, or run `sudo coppice pool mount`',
    )
  }
  // Not opened by root, who would follow links of whoever owns the directory: what an image holds is known.
  if (image !== undefined) {
    const { blocks, bavail, bsize } = await statfs(home.pool)
    return {
      driver: 'btrfs',
      path: home.pool,
      total_bytes: blocks * bsize,
      free_bytes: bavail * bsize,
      image,
    }
  }
  const owner = await servedUser(home)
  if (owner !== undefined) {
    throw new AppError(
      'invalid_request',
      `the pool in ${home.root} is looked at by whoever it belongs to: run this as user ${owner.name}`,
    )
  }
  const volumes = await openPool(home.pool, await findDatabaseUser(environment.databaseUser))
  const { totalBytes, freeBytes } = await volumes.space()
  return {
    driver: volumes.kind,
    path: volumes.root,
    total_bytes: totalBytes,
    free_bytes: freeBytes,
    ...(volumes.warning !== undefined && { warning: volumes.warning }),
  }
}

async function requireImage(home: Home): Promise<PoolImage> {
  const imagePath = await findPoolImage(home, await readSavedConfig(home.config))
  if (imagePath === undefined) {
    throw new AppError(
      'not_available',
      'this platform has no pool image; make one with `coppice pool create --size 50G`',
    )
  }
  return ownImage(home, imagePath)
}

/**
 * The image as root may work with it. In somebody else's directory that is one that root has made there,
 * mounted there: no link and no setting of theirs leads to another place.
 */
async function ownImage(home: Home, imagePath: string): Promise<PoolImage> {
  const user = await servedUser(home)
  const image = { imagePath, mountPoint: home.pool, user }
  if (user === undefined) return image
  const file = await ifThere(lstat(imagePath))
  const directory = await ifThere(lstat(home.pool))
  const isInPlace = resolve(imagePath) === resolve(home.poolImage)
  const isRoots = file === undefined || (file.isFile() && file.uid === 0)
  if (isInPlace && isRoots && (directory?.isDirectory() ?? true)) return image
  throw new AppError(
    'invalid_request',
    `root works in ${home.root} only with a pool.img that \`sudo coppice pool create\` has made there, and ` +
      'with pool as a directory; move what is in the way away',
  )
}

/** Root makes and mounts the image; whoever owns the state directory works with it. */
async function servedUser(home: Home): Promise<OsUser | undefined> {
  return process.getuid?.() === 0 ? homeOwner(home) : undefined
}

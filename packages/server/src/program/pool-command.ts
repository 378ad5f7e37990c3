import { findDatabaseUser } from '../compute/os-user.ts'
import type { Environment } from '../lib/config.ts'
import { AppError } from '../lib/errors.ts'
import type { OsUser } from '../lib/exec.ts'
import { createHome, type Home, homeOwner } from '../lib/home.ts'
import { readSavedConfig, saveConfig } from '../lib/saved-config.ts'
import { createPoolImage, growPoolImage, isMounted, mountPoolImage } from '../volume/pool-image.ts'
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
  await createHome(home)
  const sizeBytes = await imageSize(home, size)
  const { warning } = await createPoolImage({
    imagePath: home.poolImage,
    mountPoint: home.pool,
    sizeBytes,
    user: await homeOwner(home),
  })
  await saveConfig(home.config, { ...saved, pool_image: home.poolImage })
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
  await createHome(home)
  const volumes = await openPool(home.pool, await findDatabaseUser(environment.databaseUser))
  const { totalBytes, freeBytes } = await volumes.space()
  return {
    driver: volumes.kind,
    path: volumes.root,
    total_bytes: totalBytes,
    free_bytes: freeBytes,
    ...(image !== undefined && { image }),
    ...(volumes.warning !== undefined && { warning: volumes.warning }),
  }
}

async function requireImage(
  home: Home,
): Promise<{ imagePath: string; mountPoint: string; user: OsUser | undefined }> {
  const imagePath = await findPoolImage(home, await readSavedConfig(home.config))
  if (imagePath === undefined) {
    throw new AppError(
      'not_available',
      'this platform has no pool image; make one with `coppice pool create --size 50G`',
    )
  }
  return { imagePath, mountPoint: home.pool, user: await homeOwner(home) }
}

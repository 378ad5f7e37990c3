import {
  constants,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  statfs,
} from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

import { AppError, errorCode } from '../lib/errors.ts'
import { exec, type OsUser } from '../lib/exec.ts'
import { isThere, syncDirectory } from '../lib/files.ts'
import { backingFileOf, detachLoopDevice, loopDevicesOf } from './loop-device.ts'
import { findMount } from './mounts.ts'
import { findPoolImageObstacle } from './pool-image-support.ts'
import { renderSize } from './size.ts'

/**
 * A pool where the disk's own file system cannot clone: a sparse file with btrfs in it, mounted through
 * a loop device. It takes only as much of the disk as is in it, and gives back what is deleted (discard).
 *
 * Mount options: `user_subvol_rm_allowed`, so that the platform needs no root afterwards;
 * `discard=async`, so that deleted blocks leave the image; `commit=5`, which bounds how late deleted
 * branches count as free space (30 s by default) and made no difference to a cluster at 500 tps. No
 * compression: it does not apply to files that are not copied on write. The loop device caches: with
 * direct I/O pgbench ran at half to nine tenths of the speed.
 */
export interface PoolImage {
  imagePath: string
  mountPoint: string
  /** Whom the mounted directory is given to: who runs the platform, where that is not root. */
  user?: OsUser | undefined
}

export interface NewPoolImage extends PoolImage {
  sizeBytes: number
}

const mountOptions = 'noatime,user_subvol_rm_allowed,discard=async,commit=5'

/** btrfs itself needs 109 MiB; a pool that holds a few small clusters and their WAL needs this. */
export const minPoolImageBytes = 1024 ** 3

// mkfs of a large sparse file writes some MB; a mount after a crash replays a log.
const toolTimeoutMs = 120_000

export type PoolImageSupport = { possible: true } | { possible: false; reason: string }

/** Whether this process may make and mount a pool image here; `reason` is for the user. */
export async function canCreatePoolImage(): Promise<PoolImageSupport> {
  const reason = await findPoolImageObstacle()
  return reason === undefined ? { possible: true } : { possible: false, reason }
}

/**
 * Makes the image and mounts it. Answers what the user should know about it, or undefined. Rejects
 * with AppError where this process may not, where something is in the way, and where the size is too
 * small; leaves nothing behind then.
 */
export async function createPoolImage(options: NewPoolImage): Promise<{ warning?: string }> {
  const { imagePath, mountPoint, sizeBytes } = options
  await assertCanCreate()
  assertSize(sizeBytes)
  await assertEmptyDirectory(mountPoint)
  const warning = await describeOvercommit(imagePath, sizeBytes)
  await makeImage(imagePath, sizeBytes)
  try {
    await mountPoolImage(options)
  } catch (error) {
    await unmountPoolImage(options).catch(() => undefined)
    await rm(imagePath, { force: true })
    throw error
  }
  return warning === undefined ? {} : { warning }
}

/** Mounts the image, for whom it is to serve; nothing to do where it is. Needs root. */
export async function mountPoolImage(image: PoolImage): Promise<void> {
  if (!(await isMounted(image))) await mount(image)
  // Also where a process before this one came only as far as to mount it.
  if (process.getuid?.() === 0) await giveMounted(image)
}

async function mount({ imagePath, mountPoint }: PoolImage): Promise<void> {
  await requireImage(imagePath)
  if (process.getuid?.() !== 0) {
    throw new AppError(
      'not_available',
      `the pool image ${imagePath} is not mounted; run \`sudo coppice pool mount\``,
    )
  }
  await assertEmptyDirectory(mountPoint)
  await mkdir(mountPoint, { recursive: true, mode: 0o755 })
  await detachStale(imagePath)
  // `mount` attaches the loop device so that it goes with the unmount.
  await exec('mount', ['-t', 'btrfs', '-o', `loop,${mountOptions}`, imagePath, mountPoint], {
    timeoutMs: toolTimeoutMs,
  })
}

/** By a descriptor: where the directory above is somebody else's, a link may take its place at any time. */
async function giveMounted({ mountPoint, user }: PoolImage): Promise<void> {
  const noLink = user === undefined ? 0 : constants.O_NOFOLLOW
  const directory = await open(mountPoint, constants.O_RDONLY | constants.O_DIRECTORY | noLink)
  try {
    if (user) await directory.chown(user.uid, user.gid)
    await directory.chmod(0o711)
  } finally {
    await directory.close()
  }
}

/** Unmounts; nothing to do where it is not mounted. Rejects while anything uses the pool. Needs root. */
export async function unmountPoolImage(image: PoolImage): Promise<void> {
  if (!(await isMounted(image))) return
  await exec('umount', [await realpath(image.mountPoint)], { timeoutMs: toolTimeoutMs })
  await detachStale(image.imagePath)
}

/**
 * Makes a mounted image larger, without interrupting anything. Rejects with AppError where the size is
 * not larger than now. Answers what the user should know, or undefined. Needs root.
 */
export async function growPoolImage(
  image: PoolImage & { sizeBytes: number },
): Promise<{ warning?: string }> {
  const { imagePath, mountPoint, sizeBytes } = image
  await assertCanCreate()
  const currentBytes = await requireImage(imagePath)
  if (sizeBytes <= currentBytes) {
    throw new AppError(
      'invalid_request',
      `the pool is ${renderSize(currentBytes)} already; it can grow, not shrink`,
    )
  }
  if (!(await isMounted(image))) {
    throw new AppError('invalid_request', `the pool is not mounted on ${mountPoint}`)
  }
  const warning = await describeOvercommit(imagePath, sizeBytes)
  await resizeFile(imagePath, sizeBytes)
  for (const device of await loopDevicesOf(imagePath)) {
    await exec('losetup', ['--set-capacity', device])
  }
  await exec('btrfs', ['filesystem', 'resize', 'max', mountPoint], { timeoutMs: toolTimeoutMs })
  return warning === undefined ? {} : { warning }
}

/** Whether this image is mounted on its mount point. Rejects where something else is. */
export async function isMounted({ imagePath, mountPoint }: PoolImage): Promise<boolean> {
  const mount = await findMount(await canonical(mountPoint))
  if (mount === undefined) return false
  const backingFile = await backingFileOf(mount.source)
  if (backingFile === (await canonical(imagePath))) return true
  throw new AppError(
    'invalid_request',
    `${mountPoint} has ${backingFile ?? mount.source} mounted on it, not ${imagePath}`,
  )
}

/** A line for /etc/fstab, so that a platform that does not run as root finds its pool after a reboot. */
export function renderFstabLine({ imagePath, mountPoint }: PoolImage): string {
  const escape = (path: string): string => resolve(path).replaceAll(' ', String.raw`\040`)
  return `${escape(imagePath)} ${escape(mountPoint)} btrfs loop,${mountOptions},nofail 0 0`
}

/** After a crash between attaching and mounting, or where somebody attached the image by hand. */
async function detachStale(imagePath: string): Promise<void> {
  for (const device of await loopDevicesOf(imagePath)) await detachLoopDevice(device)
}

async function assertCanCreate(): Promise<void> {
  const reason = await findPoolImageObstacle()
  if (reason !== undefined) throw new AppError('not_available', reason)
}

/** At its path once there is a file system in it, and on disk: what is there is taken for the pool from then on. */
async function makeImage(path: string, sizeBytes: number): Promise<void> {
  if (await isThere(path)) throw new AppError('invalid_request', `${path} exists already`)
  const unfinished = `${path}.unfinished`
  await mkdir(dirname(path), { recursive: true })
  await rm(unfinished, { force: true })
  const file = await open(unfinished, 'wx', 0o600)
  try {
    await file.truncate(sizeBytes)
    await exec('mkfs.btrfs', ['--quiet', '--label', 'coppice', unfinished], {
      timeoutMs: toolTimeoutMs,
    })
    await file.sync()
    await rename(unfinished, path)
  } catch (error) {
    await rm(unfinished, { force: true })
    throw error
  } finally {
    await file.close()
  }
  await syncDirectory(dirname(path))
}

async function resizeFile(path: string, sizeBytes: number): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.truncate(sizeBytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function requireImage(imagePath: string): Promise<number> {
  try {
    return (await stat(imagePath)).size
  } catch (cause) {
    if (errorCode(cause) !== 'ENOENT') throw cause
    throw new AppError('invalid_request', `there is no pool image ${imagePath}`, { cause })
  }
}

function assertSize(sizeBytes: number): void {
  if (Number.isSafeInteger(sizeBytes) && sizeBytes >= minPoolImageBytes) return
  throw new AppError('invalid_request', `a pool needs at least ${renderSize(minPoolImageBytes)}`)
}

async function assertEmptyDirectory(path: string): Promise<void> {
  const names = await readdir(path).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return []
    throw error
  })
  if (names.length === 0) return
  throw new AppError(
    'invalid_request',
    `${path} is not empty, and a pool image mounted there would hide what is in it; move away what no ` +
      'branch needs, the one or the other',
  )
}

/** A sparse file may promise more than its disk has: allowed, as it may never be filled, but said. */
async function describeOvercommit(
  imagePath: string,
  sizeBytes: number,
): Promise<string | undefined> {
  const directory = await nearestDirectory(dirname(resolve(imagePath)))
  const { blocks, bavail, bsize } = await statfs(directory)
  const available = renderSize(bavail * bsize)
  if (sizeBytes > blocks * bsize) {
    return (
      `the pool is larger than the disk it lies on, which has ${renderSize(blocks * bsize)}: ` +
      'when the disk is full, writes in the pool fail although it has room'
    )
  }
  if (sizeBytes > bavail * bsize) {
    return `the pool may outgrow its disk, which has ${available} free now`
  }
  return undefined
}

async function nearestDirectory(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' || path === dirname(path)) throw error
    return nearestDirectory(dirname(path))
  }
}

/** The path as the kernel shows it, where it is there. */
async function canonical(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return resolve(path)
    throw error
  }
}

import {
  chmod,
  chown,
  constants,
  type FileHandle,
  mkdir,
  mkdtemp,
  open,
  readdir,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  statfs,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

import { AppError, errorCode } from '../lib/errors.ts'
import { exec, type OsUser } from '../lib/exec.ts'
import { isThere, syncDirectory } from '../lib/files.ts'
import {
  attachLoopDevice,
  backingFileOf,
  detachLoopDevice,
  isBackedBy,
  loopDevicesOf,
} from './loop-device.ts'
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
  /**
   * Who runs the platform, where that is not root: the mounted directory is theirs. So are the directories
   * on the way to it and to the image, which lead elsewhere at any moment that they like, so that root works
   * with what it has opened and looked at.
   */
  user?: OsUser | undefined
}

export interface NewPoolImage extends PoolImage {
  sizeBytes: number
}

/** Nothing in a pool is a program or a device, whoever has written it. */
const mountOptions = 'nosuid,nodev,noatime,user_subvol_rm_allowed,discard=async,commit=5'

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
  await makeImage(options)
  try {
    await mountPoolImage(options)
  } catch (error) {
    await unmountPoolImage(options).catch(() => undefined)
    await rm(imagePath, { force: true })
    throw error
  }
  return warning === undefined ? {} : { warning }
}

/** Mounts the image; nothing to do where it is. Needs root. */
export async function mountPoolImage(image: PoolImage): Promise<void> {
  if (await isMounted(image)) return
  await requireImage(image.imagePath)
  if (process.getuid?.() !== 0) {
    throw new AppError(
      'not_available',
      `the pool image ${image.imagePath} is not mounted; run \`sudo coppice pool mount\``,
    )
  }
  await assertEmptyDirectory(image.mountPoint)
  await makeMountPoint(image)
  await detachStale(image.imagePath)
  const file = await openImage(image)
  try {
    const directory = await openMountPoint(image)
    try {
      await mountOn(file, `/proc/${process.pid}/fd/${directory.fd}`)
    } finally {
      await directory.close()
    }
  } finally {
    await file.close()
  }
}

/** On a path that is taken as it is, links and all. The loop device goes with the unmount. */
async function mountOn(image: FileHandle, path: string): Promise<void> {
  const device = await attachLoopDevice(image)
  try {
    const options = ['--no-canonicalize', '-t', 'btrfs', '-o', mountOptions]
    await exec('mount', [...options, device, path], { timeoutMs: toolTimeoutMs })
  } finally {
    await detachLoopDevice(device)
  }
}

/** As its owner, where it is not root's: root follows no link of theirs. */
async function makeMountPoint({ mountPoint, user }: PoolImage): Promise<void> {
  if (user) await exec('mkdir', ['-p', mountPoint], { user })
  else await mkdir(mountPoint, { recursive: true, mode: 0o755 })
}

/** An image in somebody else's directory is root's all the same, or it could hold anything. */
async function openImage({ imagePath, user }: PoolImage): Promise<FileHandle> {
  const file = await open(imagePath, constants.O_RDWR | noLinkOf(user))
  const found = await file.stat()
  if (user === undefined || (found.isFile() && found.uid === 0)) return file
  await file.close()
  throw new AppError(
    'invalid_request',
    `${imagePath} is not one that root has made; make one with \`sudo coppice pool create --size 50G\``,
  )
}

/** A directory of the user's, or in one of the user's. */
async function openMountPoint({ mountPoint, user }: PoolImage): Promise<FileHandle> {
  const directory = await open(
    mountPoint,
    constants.O_RDONLY | constants.O_DIRECTORY | noLinkOf(user),
  )
  const above = await stat(`/proc/self/fd/${directory.fd}/..`)
  const owners = [(await directory.stat()).uid, above.uid]
  if (user === undefined || owners.includes(user.uid)) return directory
  await directory.close()
  throw new AppError('invalid_request', `${mountPoint} is not in a directory of user ${user.name}`)
}

const noLinkOf = (user: OsUser | undefined): number => (user ? constants.O_NOFOLLOW : 0)

/** Unmounts; nothing to do where it is not mounted. Rejects while anything uses the pool. Needs root. */
export async function unmountPoolImage(image: PoolImage): Promise<void> {
  const device = await deviceOf(image)
  if (device === undefined) return
  await exec('umount', [device], { timeoutMs: toolTimeoutMs })
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
  const device = await deviceOf(image)
  if (device === undefined) {
    throw new AppError('invalid_request', `the pool is not mounted on ${mountPoint}`)
  }
  const warning = await describeOvercommit(imagePath, sizeBytes)
  await resizeImage(image, device)
  await exec('losetup', ['--set-capacity', device])
  await exec('btrfs', ['filesystem', 'resize', 'max', mountPoint], { timeoutMs: toolTimeoutMs })
  return warning === undefined ? {} : { warning }
}

/** Whether this image is mounted on its mount point. Rejects where something else is. */
export async function isMounted(image: PoolImage): Promise<boolean> {
  return (await deviceOf(image)) !== undefined
}

/** The loop device that is mounted. */
async function deviceOf({ imagePath, mountPoint }: PoolImage): Promise<string | undefined> {
  const mount = await findMount(await canonical(mountPoint))
  if (mount === undefined) return undefined
  const backingFile = await backingFileOf(mount.source)
  if (backingFile === (await canonical(imagePath))) return mount.source
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

/** At its path once it is whole, and on disk: what is there is taken for the pool from then on. */
async function makeImage({ imagePath, sizeBytes, user }: NewPoolImage): Promise<void> {
  if (await isThere(imagePath)) {
    throw new AppError('invalid_request', `${imagePath} exists already`)
  }
  const unfinished = `${imagePath}.unfinished`
  await mkdir(dirname(imagePath), { recursive: true })
  await rm(unfinished, { force: true })
  const { O_CREAT, O_EXCL, O_RDWR } = constants
  const file = await open(unfinished, O_CREAT | O_EXCL | O_RDWR, 0o600)
  try {
    await file.truncate(sizeBytes)
    await makeFileSystem(file)
    await giveRoot(file, user)
    await file.sync()
    await rename(unfinished, imagePath)
  } catch (error) {
    await rm(unfinished, { force: true })
    throw error
  } finally {
    await file.close()
  }
  await syncDirectory(dirname(imagePath))
}

async function makeFileSystem(image: FileHandle): Promise<void> {
  const device = await attachLoopDevice(image)
  try {
    await exec('mkfs.btrfs', ['--quiet', '--label', 'coppice', device], {
      timeoutMs: toolTimeoutMs,
    })
  } finally {
    await detachLoopDevice(device)
  }
}

/** The directory at its root; mounted where nobody else gets to. Others may pass through, not look around. */
async function giveRoot(image: FileHandle, user: OsUser | undefined): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'coppice-pool-'))
  try {
    await mountOn(image, directory)
    try {
      if (user) await chown(directory, user.uid, user.gid)
      await chmod(directory, 0o711)
    } finally {
      await exec('umount', [directory], { timeoutMs: toolTimeoutMs })
    }
  } finally {
    await rmdir(directory)
  }
}

async function resizeImage(
  image: PoolImage & { sizeBytes: number },
  device: string,
): Promise<void> {
  const file = await openImage(image)
  try {
    if (!(await isBackedBy(device, file))) throw new Error(`${image.imagePath} was replaced`)
    await file.truncate(image.sizeBytes)
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

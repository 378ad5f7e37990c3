import { chmod, mkdir, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { exec, type OsUser } from '../../lib/exec.ts'
import { findMount } from '../mounts.ts'
import type { Cleanup } from './cleanup.ts'

export const isRoot = process.getuid?.() === 0
/** Loop devices and mounts are root's. */
export const canMount = isRoot && process.platform === 'linux'

/** A directory that other users may pass through; removed by `cleanup`. */
export async function makeDirectory(cleanup: Cleanup): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'coppice-volume-'))
  cleanup.add(async () => rm(directory, { recursive: true, force: true }))
  await chmod(directory, 0o755)
  return directory
}

/** The OS user that PostgreSQL runs as in tests: undefined where that is the test's own. */
export async function findDatabaseUser(): Promise<OsUser | undefined> {
  if (!isRoot) return undefined
  return (await findUser('postgres')) ?? (await findUser('nobody'))
}

export async function findUser(name: string): Promise<OsUser | undefined> {
  try {
    const [uid, gid] = await Promise.all([exec('id', ['-u', name]), exec('id', ['-g', name])])
    return { name, uid: Number(uid), gid: Number(gid) }
  } catch {
    // No such user.
    return undefined
  }
}

export type FileSystem = 'btrfs' | 'xfs' | 'ext4'

const mkfsArguments: Record<FileSystem, string[]> = {
  btrfs: ['-q'],
  xfs: ['-q', '-m', 'reflink=1'],
  ext4: ['-q', '-F'],
}

/** A file system of its own, in a sparse file; needs `canMount`. */
export async function mountImage(
  fileSystem: FileSystem,
  sizeBytes: number,
  cleanup: Cleanup,
  options = 'noatime',
): Promise<string> {
  const directory = await makeDirectory(cleanup)
  const image = join(directory, 'image')
  const file = await open(image, 'wx')
  await file.truncate(sizeBytes)
  await file.close()
  await exec(`mkfs.${fileSystem}`, [...mkfsArguments[fileSystem], image])
  const mountPoint = join(directory, 'mnt')
  await mountOn(image, mountPoint, cleanup, options)
  await chmod(mountPoint, 0o711)
  return mountPoint
}

/**
 * Mounts what a power cut now would leave of a file system that `mountImage` has made: a copy of its
 * image as it is, without what is only in memory. The one it is of is unmounted.
 */
export async function cutPower(mountPoint: string, cleanup: Cleanup): Promise<string> {
  const image = join(mountPoint, '../image')
  await exec('cp', ['--sparse=always', image, `${image}-cut`])
  await exec('umount', [mountPoint])
  const mountPointAfter = `${mountPoint}-cut`
  await mountOn(`${image}-cut`, mountPointAfter, cleanup, 'noatime')
  return mountPointAfter
}

async function mountOn(
  image: string,
  mountPoint: string,
  cleanup: Cleanup,
  options: string,
): Promise<void> {
  await mkdir(mountPoint)
  await exec('mount', ['-o', `loop,${options}`, image, mountPoint])
  cleanup.add(async () => {
    if (await findMount(mountPoint)) await exec('umount', [mountPoint])
  })
}

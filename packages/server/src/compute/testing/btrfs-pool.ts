import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { exec, type OsUser } from '../../lib/exec.ts'

/** A small btrfs of one test file, for snapshots of running clusters. */
export interface BtrfsPool {
  createVolume(name: string, user: OsUser | undefined): Promise<string>
  /** An atomic, writable snapshot; answers its path. */
  snapshot(path: string, name: string): Promise<string>
  /** Bytes that only this volume holds. */
  exclusiveBytes(path: string): Promise<number>
  close(): Promise<void>
}

/** Undefined where it cannot be made: not root, no btrfs-progs, or no loop devices. */
export async function createBtrfsPool(size = '3G'): Promise<BtrfsPool | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const directory = await mkdtemp(join(tmpdir(), 'ccb-'))
  const image = join(directory, 'image')
  const root = join(directory, 'm')
  try {
    await exec('truncate', ['-s', size, image])
    await exec('mkfs.btrfs', ['-q', image])
    await mkdir(root)
    await exec('mount', ['-o', 'loop,noatime', image, root])
  } catch {
    await rm(directory, { recursive: true, force: true })
    return undefined
  }
  await exec('chmod', ['711', directory, root])
  return {
    async createVolume(name, user) {
      const path = join(root, name)
      await exec('btrfs', ['subvolume', 'create', path])
      await exec('chattr', ['+C', path])
      if (user) await exec('chown', [`${user.uid}:${user.gid}`, path])
      return path
    },
    async snapshot(path, name) {
      await exec('btrfs', ['subvolume', 'snapshot', path, join(root, name)])
      return join(root, name)
    },
    async exclusiveBytes(path) {
      await exec('sync', [])
      const lines = await exec('btrfs', ['filesystem', 'du', '-s', '--raw', path])
      return Number(lines.trim().split('\n').at(-1)?.trim().split(/\s+/)[1])
    },
    async close() {
      await exec('umount', ['-l', root])
      await rm(directory, { recursive: true, force: true })
    },
  }
}

import { access, readFile } from 'node:fs/promises'

import { errorCode } from '../lib/errors.ts'
import { exec } from '../lib/exec.ts'

/** What keeps this process from making and mounting a pool image, in words for the user; undefined if nothing. */
export async function findPoolImageObstacle(): Promise<string | undefined> {
  if (process.platform !== 'linux') {
    return 'a pool image needs Linux; on macOS, keep the pool on APFS, which clones files by itself'
  }
  if (process.getuid?.() !== 0) {
    return 'making and mounting a pool image needs root: run it once with sudo'
  }
  for (const [program, packageName] of programs) {
    if (!(await isInstalled(program))) {
      return `${program} is not installed: install the package ${packageName}`
    }
  }
  if (!(await hasBtrfs())) return 'this kernel has no btrfs'
  if (!(await hasLoopDevices())) {
    return 'this machine has no loop devices (/dev/loop-control); a container needs them passed in'
  }
  return undefined
}

const programs = [
  ['mkfs.btrfs', 'btrfs-progs'],
  ['btrfs', 'btrfs-progs'],
  ['losetup', 'util-linux (mount)'],
  ['mount', 'util-linux (mount)'],
] as const

async function isInstalled(program: string): Promise<boolean> {
  try {
    await exec(program, ['--version'])
    return true
  } catch (error) {
    if (error instanceof Error && errorCode(error.cause) === 'ENOENT') return false
    throw error
  }
}

async function hasBtrfs(): Promise<boolean> {
  const listed = async (): Promise<boolean> =>
    /\bbtrfs$/m.test(await readFile('/proc/filesystems', 'utf8'))
  return (await listed()) || ((await loadModule('btrfs')) && (await listed()))
}

async function hasLoopDevices(): Promise<boolean> {
  const isThere = async (): Promise<boolean> =>
    access('/dev/loop-control').then(
      () => true,
      () => false,
    )
  return (await isThere()) || ((await loadModule('loop')) && (await isThere()))
}

async function loadModule(name: string): Promise<boolean> {
  try {
    await exec('modprobe', [name])
    return true
  } catch {
    // Not a module of this kernel, or no modprobe: then it is built in, or not to be had.
    return false
  }
}

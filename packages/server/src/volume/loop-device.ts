import { type FileHandle, readFile, readlink } from 'node:fs/promises'
import { basename } from 'node:path'

import { errorCode } from '../lib/errors.ts'
import { exec } from '../lib/exec.ts'

/** Loop devices that have the image as their backing file, found by device and inode number. */
export async function loopDevicesOf(imagePath: string): Promise<string[]> {
  const output = await exec('losetup', [
    '--associated',
    imagePath,
    '--output',
    'NAME',
    '--noheadings',
  ])
  return output.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]))
}

/**
 * Gives an open image a loop device. The path is looked up once more on the way, and what it leads to may be
 * somebody else's by then: rejects where that is not the file that is open.
 */
export async function attachLoopDevice(image: FileHandle): Promise<string> {
  const path = await readlink(`/proc/self/fd/${image.fd}`)
  const device = (await exec('losetup', ['--find', '--show', path])).trim()
  if (await isBackedBy(device, image)) return device
  await detachLoopDevice(device)
  throw new Error(`${path} was replaced while it was attached`)
}

/** Whether a loop device reads and writes this file, and no other that has its name now. */
export async function isBackedBy(device: string, image: FileHandle): Promise<boolean> {
  const columns = ['--list', '--noheadings', '--raw', '--output', 'BACK-INO', device]
  const [inode, { ino }] = await Promise.all([
    exec('losetup', columns),
    image.stat({ bigint: true }),
  ])
  const path = await readlink(`/proc/self/fd/${image.fd}`)
  return inode.trim() === String(ino) && (await backingFileOf(device)) === path
}

/** Gives a loop device free. One that is still mounted goes when it is unmounted. */
export async function detachLoopDevice(device: string): Promise<void> {
  await exec('losetup', ['--detach', device])
}

/** Path of the image behind a loop device; undefined for another kind of device. */
export async function backingFileOf(device: string): Promise<string | undefined> {
  try {
    return (await readFile(`/sys/block/${basename(device)}/loop/backing_file`, 'utf8')).trim()
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

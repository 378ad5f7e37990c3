import { readFile } from 'node:fs/promises'
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

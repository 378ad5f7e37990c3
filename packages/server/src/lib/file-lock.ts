import { spawn } from 'node:child_process'
import { closeSync, constants, fchownSync, openSync } from 'node:fs'

import { AppError, errorCode } from './errors.ts'

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDWR } = constants
/** open(2) of macOS takes the lock at once; Node does not name the flag. */
const darwinExclusiveLock = 0x20

/**
 * A lock of the kernel's on a file, flock(2): of all that ask at once one has it, until it gives it up or
 * its process ends, in whatever way. Answers how to give it up; undefined where somebody has it. The file
 * is made where it is not there, for `owner`, and stays: with a new file there would be a second lock.
 */
export async function tryLock(
  path: string,
  owner?: { uid: number; gid: number },
): Promise<(() => void) | undefined> {
  const isDarwin = process.platform === 'darwin'
  const descriptor = openLock(path, isDarwin ? darwinExclusiveLock | O_NONBLOCK : 0, owner)
  if (descriptor === undefined) return undefined
  let isOurs = isDarwin
  try {
    isOurs ||= await lockInherited(descriptor)
  } finally {
    if (!isOurs) closeSync(descriptor)
  }
  return isOurs ? () => closeSync(descriptor) : undefined
}

/** Undefined where it comes locked, and somebody has it. */
function openLock(
  path: string,
  flags: number,
  owner: { uid: number; gid: number } | undefined,
): number | undefined {
  try {
    return makeLock(path, flags | O_RDWR | O_NOFOLLOW, owner)
  } catch (error) {
    if (errorCode(error) === 'EAGAIN') return undefined
    throw error
  }
}

/** A number and not a `FileHandle`, which is closed as soon as nobody refers to it. */
function makeLock(
  path: string,
  flags: number,
  owner: { uid: number; gid: number } | undefined,
): number {
  try {
    const made = openSync(path, flags | O_CREAT | O_EXCL, 0o600)
    if (owner !== undefined) fchownSync(made, owner.uid, owner.gid)
    return made
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
    return openSync(path, flags)
  }
}

/**
 * Node has no flock. The command of that name locks what it inherits, which is the open file of this
 * process too (flock(2)), so the lock stays when the command has ended.
 */
async function lockInherited(descriptor: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn('flock', ['-xn', '3'], {
      cwd: '/',
      stdio: ['ignore', 'ignore', 'pipe', descriptor],
    })
    let complaint = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (complaint += text))
    child.on('error', (cause) => {
      if (errorCode(cause) !== 'ENOENT') return reject(cause)
      const message = 'flock is not installed: install the package util-linux'
      reject(new AppError('not_available', message, { cause }))
    })
    child.on('close', (code) => {
      if (code === 0) resolve(true)
      else if (code === 1 && complaint === '') resolve(false)
      else reject(new Error(`flock failed: ${complaint.trim()}`))
    })
  })
}

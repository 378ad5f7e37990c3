import { randomBytes } from 'node:crypto'
import { access, chown, open, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

import { errorCode } from './errors.ts'
import { exec, type OsUser } from './exec.ts'

/**
 * Writes a whole file or none: beside, flushed, renamed into place, and the directory flushed, so
 * that a crash or a power cut leaves the old content or the new.
 */
export async function writeFileAtomically(
  path: string,
  content: string | Uint8Array,
  mode = 0o600,
): Promise<void> {
  const beside = `${path}.${randomBytes(4).toString('hex')}.tmp`
  try {
    const file = await open(beside, 'wx', mode)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(beside, path)
  } catch (error) {
    await rm(beside, { force: true })
    throw error
  }
  await syncDirectory(dirname(path))
}

/**
 * The same without a flush: another process finds the old content or the new, a power cut may leave
 * neither. For what is written often and can be lost.
 */
export async function replaceFile(path: string, content: string, mode = 0o600): Promise<void> {
  const beside = `${path}.${randomBytes(4).toString('hex')}.tmp`
  try {
    await writeFile(beside, content, { flag: 'wx', mode })
    await rename(beside, path)
  } catch (error) {
    await rm(beside, { force: true })
    throw error
  }
}

/** Makes names created in or removed from a directory survive a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/**
 * Writes out the file system that holds a directory: one flush for all files, since most of a new
 * cluster's thousand are small, and an fsync of each may cost as many commits of the journal.
 */
export async function syncFileSystem(directory: string): Promise<void> {
  const args = process.platform === 'linux' ? ['--file-system', directory] : []
  await exec('sync', args, { timeoutMs: flushTimeoutMs })
}

/** The page cache of a large machine may hold tens of GB that are not written yet. */
const flushTimeoutMs = 10 * 60_000

/** Whether something is at the path that this process can get to. */
export async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/** What a call of the file system answers; undefined where there is nothing at its path. */
export async function ifThere<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** What is in a directory; nothing where it is not there. */
export async function namesIn(directory: string): Promise<string[]> {
  return (await ifThere(readdir(directory))) ?? []
}

/** Makes a path another OS user's, where this process may and need be. */
export async function giveTo(path: string, user: OsUser | undefined): Promise<void> {
  if (user) await chown(path, user.uid, user.gid)
}

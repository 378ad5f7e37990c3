import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { chmod, copyFile, mkdir, open, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'

import { assert } from '../lib/assert.ts'
import { exec } from '../lib/exec.ts'
import { namesIn, syncDirectory } from '../lib/files.ts'
import type { Lsn } from '../lib/lsn.ts'
import { isHistoryFileName, parseSegmentName, segmentOf } from './wal-names.ts'
import { linePattern, type WalFile, type WalStore } from './wal-store.ts'

export interface DirectoryWalStore extends WalStore {
  /** Where a file lies, if it is there. */
  pathOf(line: string, name: string): string
}

/**
 * WAL in a directory of the pool: `<root>/<line>/<file>`. Where the file system can, a file is a clone of
 * PostgreSQL's own and takes no space until that one is gone; elsewhere it is a copy. Only the platform's
 * user reads it: what a recovery needs is cloned from here.
 */
export function createDirectoryWalStore(root: string): DirectoryWalStore {
  const linePath = (line: string): string => {
    assert(linePattern.test(line), 'a line is named as its volume')
    return join(root, line)
  }
  const prepare = createPreparation(root)
  return {
    pathOf: (line, name) => join(linePath(line), name),
    put: async (line, { name, path, writtenAt }) => {
      await prepare()
      const directory = linePath(line)
      await mkdir(directory, { recursive: true, mode: 0o700 })
      const target = join(directory, name)
      if (await isFile(target)) return
      const beside = join(directory, `.${name}.${randomBytes(4).toString('hex')}`)
      try {
        await cloneFile(path, beside)
        await utimes(beside, writtenAt, writtenAt)
        await syncFile(beside)
        await rename(beside, target)
      } catch (error) {
        await rm(beside, { force: true })
        throw error
      }
      await syncDirectory(directory)
    },
    list: async (line, from) => listFiles(linePath(line), from),
    fetch: async (line, { name }, path) => cloneFile(join(linePath(line), name), path),
    remove: async (line, names) => {
      for (const name of names) await rm(join(linePath(line), name), { force: true })
    },
    removeLine: async (line) => rm(linePath(line), { recursive: true, force: true }),
    lines: async () => (await namesIn(root)).filter((name) => linePattern.test(name)),
    sweep: async () => {
      for (const line of (await namesIn(root)).filter((name) => linePattern.test(name))) {
        for (const name of await namesIn(join(root, line))) {
          if (name.startsWith('.')) await rm(join(root, line, name), { force: true })
        }
      }
    },
  }
}

/**
 * A clone on btrfs needs both files to be of one kind: those of volumes are not copied on write
 * (`chattr +C`), so this directory's are not either. Other file systems have no such attribute.
 */
function createPreparation(root: string): () => Promise<void> {
  let prepared: Promise<void> | undefined
  return async () => {
    prepared ??= (async () => {
      await mkdir(root, { recursive: true })
      await chmod(root, 0o711)
      await exec('chattr', ['+C', root]).catch(() => undefined)
    })()
    return prepared
  }
}

/** Without copying where the file system can clone; to a path where nothing is, no link either. */
export async function cloneFile(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL)
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** A day of a busy line is a hundred thousand files: those that are not asked for are not looked at. */
async function listFiles(directory: string, from: Lsn = 0n): Promise<WalFile[]> {
  const names = (await namesIn(directory)).filter((name) => !name.startsWith('.')).toSorted()
  const sample = names.findLast((name) => !isHistoryFileName(name))
  const bytes = from === 0n || sample === undefined ? 0 : await sizeOf(join(directory, sample))
  const wanted = names.filter((name) => {
    const segment = bytes > 0 ? parseSegmentName(name, bytes) : undefined
    return segment === undefined || segment.number >= segmentOf(from, bytes)
  })
  const files = await Promise.all(
    wanted.map(async (name) => {
      const found = await stat(join(directory, name)).catch(() => undefined)
      return found ? [{ name, bytes: found.size, writtenAt: found.mtime }] : []
    }),
  )
  return files.flat()
}

const sizeOf = async (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  )

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  )
}

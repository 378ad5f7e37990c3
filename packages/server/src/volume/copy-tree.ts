import { chmod, copyFile, lchown, lstat, mkdir, opendir, readlink, symlink } from 'node:fs/promises'
import { join } from 'node:path'

import { errorCode } from '../lib/errors.ts'
import type { OsUser } from '../lib/exec.ts'

interface CopyTreeOptions {
  /** For copyFile of node:fs: 0, or COPYFILE_FICLONE_FORCE to share the blocks. */
  copyMode: number
  /** Owner of the copies; undefined for the process's own user. */
  owner: OsUser | undefined
  /** A path below `source` to leave out. */
  without?: string
  deadlineMs: number
}

/**
 * File operations occupy Node's four worker threads, and one that shares blocks of a busy file may take
 * long: two at a time leave half of them to the rest of the platform.
 */
const concurrency = 2

/**
 * Copies a directory with everything in it, modes kept, to `target`, which must not exist. Entries that
 * vanish meanwhile are left out, as PostgreSQL's manual asks for the copy of a running cluster ("Making
 * a Base Backup Using the Low Level API"). Sockets and pipes are left out.
 */
export async function copyTree(
  source: string,
  target: string,
  options: CopyTreeOptions,
): Promise<void> {
  await mkdir(target, { mode: 0o700 })
  const files = await copyDirectories(source, target, '', options)
  const worker = async (): Promise<void> => {
    for (let file = files.pop(); file; file = files.pop()) {
      if (Date.now() > options.deadlineMs) throw new Error('copying a volume took too long')
      await skipVanished(copyFound(file, options))
    }
  }
  // Settled, not all: a failing worker must not leave another writing into what is being removed.
  const results = await Promise.allSettled(Array.from({ length: concurrency }, worker))
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

interface FoundFile {
  from: string
  to: string
  isLink: boolean
}

/** Makes the directories of a tree; answers everything else in it. */
async function copyDirectories(
  source: string,
  target: string,
  path: string,
  options: CopyTreeOptions,
): Promise<FoundFile[]> {
  const at = join(target, path)
  const { mode } = await lstat(join(source, path))
  await chmod(at, mode)
  await giveTo(at, options.owner)
  const files: FoundFile[] = []
  for await (const entry of await opendir(join(source, path))) {
    const below = join(path, entry.name)
    if (below === options.without) continue
    if (entry.isDirectory()) {
      await mkdir(join(target, below), { mode: 0o700 })
      const copied = copyDirectories(source, target, below, options)
      files.push(...((await skipVanished(copied)) ?? []))
    } else if (entry.isFile() || entry.isSymbolicLink()) {
      const isLink = entry.isSymbolicLink()
      files.push({ from: join(source, below), to: join(target, below), isLink })
    }
  }
  return files
}

async function copyFound({ from, to, isLink }: FoundFile, options: CopyTreeOptions): Promise<void> {
  if (isLink) await symlink(await readlink(from), to)
  else await copyFile(from, to, options.copyMode)
  await giveTo(to, options.owner)
}

async function giveTo(path: string, owner: OsUser | undefined): Promise<void> {
  if (owner) await lchown(path, owner.uid, owner.gid)
}

async function skipVanished<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

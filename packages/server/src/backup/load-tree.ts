import { chmod, type FileHandle, lstat, mkdir, open, rm, utimes } from 'node:fs/promises'
import { isAbsolute, join, normalize } from 'node:path'

import type { OsUser } from '../lib/exec.ts'
import { giveTo } from '../lib/files.ts'
import { forEachBounded } from '../lib/for-each-bounded.ts'
import { isFile } from './known-files.ts'
import { chunkBytes, type Tree, type TreeEntry } from './manifest.ts'
import { damaged, type Repository } from './repository.ts'

export interface LoadTreeOptions {
  /** Who is to own the files. */
  user: OsUser | undefined
  /** What lies there already: only what differs is written, so that shared blocks stay shared. */
  base?: Tree | undefined
  /** Whether files get the times that they had. */
  keepsTimes?: boolean
  onBytes: (bytes: number) => void
}

const filesAtOnce = 8

/** Writes a tree to a directory that is there. Not flushed. */
export async function loadTree(
  repository: Repository,
  { entries }: Tree,
  root: string,
  options: LoadTreeOptions,
): Promise<void> {
  for (const entry of entries) {
    refuseOutside(entry.path)
    refuseLarger(entry)
  }
  const before = new Map((options.base?.entries ?? []).map((entry) => [entry.path, entry]))
  await removeSpare(root, before, entries)
  for (const entry of entries) {
    if (!isFile(entry)) await makeDirectory(join(root, entry.path), entry, options)
  }
  await forEachBounded(entries.filter(isFile), filesAtOnce, async (entry) => {
    const path = join(root, entry.path)
    const there = before.get(entry.path)
    const base = there !== undefined && isFile(there) && (await isThere(path)) ? there : undefined
    await writeFile(repository, path, entry, base)
    await chmod(path, permissionsOf(entry))
    await giveTo(path, options.user)
    if (options.keepsTimes === true) {
      const seconds = Number(BigInt(entry.mtime_ns) / 1_000_000n) / 1000
      await utimes(path, seconds, seconds)
    }
    options.onBytes(entry.size)
  })
}

/** Whoever can write to a place may have put anything there: it stays in its directory, and in its size. */
function refuseOutside(path: string): void {
  const isInside = !isAbsolute(path) && normalize(path) === path && path.split('/')[0] !== '..'
  if (!isInside) throw damaged(`the backup names a file outside of its directory: ${path}`)
}

function refuseLarger({ path, size = 0, chunks = [] }: TreeEntry): void {
  if (size <= chunks.length * chunkBytes) return
  throw damaged(`the backup has a file that is larger than what it holds of it: ${path}`)
}

/** Nobody's rights come with a file. */
const permissionsOf = ({ mode }: TreeEntry): number => mode & 0o777

async function removeSpare(
  root: string,
  before: ReadonlyMap<string, TreeEntry>,
  entries: readonly TreeEntry[],
): Promise<void> {
  const kinds = new Map(entries.map((entry) => [entry.path, isFile(entry)]))
  for (const entry of before.values()) {
    if (kinds.get(entry.path) === isFile(entry)) continue
    await rm(join(root, entry.path), { recursive: true, force: true })
  }
}

async function makeDirectory(
  path: string,
  entry: TreeEntry,
  { user }: LoadTreeOptions,
): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  await chmod(path, permissionsOf(entry))
  await giveTo(path, user)
}

async function writeFile(
  repository: Repository,
  path: string,
  entry: Required<TreeEntry>,
  base: Required<TreeEntry> | undefined,
): Promise<void> {
  const isSame =
    base?.size === entry.size && entry.chunks.every((one, at) => base.chunks[at] === one)
  if (isSame) return
  const file = await open(path, base === undefined ? 'wx' : 'r+', 0o600)
  try {
    for (const [at, name] of entry.chunks.entries()) {
      // The last of a file that had another size is another chunk, so names say it all.
      if (base?.chunks[at] === name) continue
      await writeFully(file, await repository.getChunk(name), at * chunkBytes)
    }
    await file.truncate(entry.size)
  } finally {
    await file.close()
  }
}

async function writeFully(file: FileHandle, content: Buffer, from: number): Promise<void> {
  for (let at = 0; at < content.length;) {
    at += (await file.write(content, at, content.length - at, from + at)).bytesWritten
  }
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    (found) => found.isFile(),
    () => false,
  )
}

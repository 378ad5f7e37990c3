import type { BigIntStats } from 'node:fs'
import { type FileHandle, lstat, open, opendir } from 'node:fs/promises'
import { join } from 'node:path'

import { ifThere } from '../lib/files.ts'
import { forEachBounded } from '../lib/for-each-bounded.ts'
import type { Descent, FoundFile, KnownFiles } from './known-files.ts'
import { chunkBytes, type Tree, type TreeEntry } from './manifest.ts'
import type { Repository } from './repository.ts'

export interface SaveTreeOptions {
  /** What need not be read, and whose files these are; undefined where their times say nothing. */
  known: { files: KnownFiles; descent: readonly Descent[] } | undefined
  /** Of what is in it: a path below it, of a directory or a file; all unless given. */
  includes?: (path: string) => boolean
  /** Told of every file's bytes, whether they were read or not. */
  onBytes: (bytes: number) => void
}

/** Each reads, compresses and puts; one processor does the hashing. */
const filesAtOnce = 8

/**
 * Puts a directory's files and answers its tree, which is not put yet. Links and sockets are left out, and
 * what vanishes meanwhile.
 */
export async function saveTree(
  repository: Repository,
  root: string,
  options: SaveTreeOptions,
): Promise<{ tree: Tree; bytes: number }> {
  const found = await walk(root, '', options.includes ?? (() => true))
  const files = new Map<string, Required<TreeEntry>>()
  let bytes = 0
  await forEachBounded(found, filesAtOnce, async (entry) => {
    if (!isFoundFile(entry)) return
    const saved =
      (await findKnown(repository, entry, options.known)) ??
      (await saveFile(repository, root, entry))
    if (saved === undefined) return
    files.set(entry.path, saved)
    bytes += saved.size
    options.onBytes(saved.size)
  })
  const entries = found.flatMap((entry) =>
    isFoundFile(entry) ? (files.get(entry.path) ?? []) : [entry],
  )
  return { tree: { entries }, bytes }
}

type Found = FoundFile & Pick<TreeEntry, 'mode'>

const isFoundFile = (entry: TreeEntry): entry is Found => entry.size !== undefined

async function findKnown(
  repository: Repository,
  entry: Found,
  known: SaveTreeOptions['known'],
): Promise<Required<TreeEntry> | undefined> {
  const chunks = known?.files.find(known.descent, entry)
  if (chunks === undefined) return undefined
  // What the last backup had may have been removed from the place since.
  for (const name of chunks) if (!(await repository.hasObject(name))) return undefined
  return { ...entry, chunks }
}

async function walk(
  root: string,
  directory: string,
  includes: (path: string) => boolean,
): Promise<TreeEntry[]> {
  const entries: TreeEntry[] = []
  for await (const { name } of await opendir(join(root, directory))) {
    const path = join(directory, name)
    if (!includes(path)) continue
    const found = await ifThere(lstat(join(root, path), { bigint: true }))
    const mode = Number((found?.mode ?? 0n) & 0o7777n)
    if (found?.isDirectory() === true) {
      entries.push({ path, mode }, ...((await ifThere(walk(root, path, includes))) ?? []))
    } else if (found?.isFile() === true) entries.push({ path, mode, ...fileFacts(found) })
  }
  return entries
}

const fileFacts = ({ size, mtimeNs }: BigIntStats) => ({
  size: Number(size),
  mtime_ns: String(mtimeNs),
})

async function saveFile(
  repository: Repository,
  root: string,
  entry: Found,
): Promise<Required<TreeEntry> | undefined> {
  const file = await ifThere(open(join(root, entry.path), 'r'))
  if (file === undefined) return undefined
  try {
    // Of the one that is open: a file of the state directory may have been replaced since it was found.
    const facts = fileFacts(await file.stat({ bigint: true }))
    const chunks: string[] = []
    for (let from = 0; from < facts.size; from += chunkBytes) {
      const content = await readFully(file, from, Math.min(chunkBytes, facts.size - from))
      chunks.push(await repository.putObject(content))
    }
    return { ...entry, ...facts, chunks }
  } finally {
    await file.close()
  }
}

async function readFully(file: FileHandle, from: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(bytes)
  for (let at = 0; at < bytes;) {
    const { bytesRead } = await file.read(buffer, at, bytes - at, from + at)
    if (bytesRead === 0) throw new Error('a file became shorter while it was read')
    at += bytesRead
  }
  return buffer
}

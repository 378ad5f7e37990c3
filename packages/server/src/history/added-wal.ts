import { readdir, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'

import { must } from '../lib/assert.ts'
import { errorCode } from '../lib/errors.ts'
import { type OsUser } from '../lib/exec.ts'
import { giveTo } from '../lib/files.ts'
import type { Lsn } from '../lib/lsn.ts'
import { cloneFile } from './directory-wal-store.ts'
import { isHistoryFileName, parseSegmentName, segmentOf } from './wal-names.ts'
import type { WalFile, WalStore } from './wal-store.ts'

/**
 * The WAL that a clone of a snapshot is given, in its own `pg_wal`, to replay at its next start: what the
 * store has, and from the cluster's `pg_wal` what the store has not yet. Commits are there before they
 * are answered, whatever the cluster does meanwhile.
 *
 * Where the WAL ends is what makes the moment. PostgreSQL's own recovery targets take a record that is
 * later to be recognised by, which there is none of on a branch that sleeps, and a program for each segment
 * (`restore_command`), which takes longer than replaying it.
 */
export interface WalRequest {
  store: WalStore
  line: string
  /** Of a clone that nothing runs on. */
  dataDirectory: string
  user: OsUser | undefined
  /** What the snapshot itself holds ends in this position's segment or later. */
  from: Lsn
  /** Nothing that is much later is needed. */
  until: Date | undefined
  /** Nor is anything that begins here or later. */
  before: Lsn | undefined
  /** Of the cluster that the WAL is of. */
  sourceDirectory: string
}

export interface AddedWal {
  /** Whether it is all that there is, up to `before`. */
  isAll: boolean
  /** Whether a segment is missing, and nothing that is later was added. */
  hasGap: boolean
  segments: AddedSegment[]
}

export interface AddedSegment {
  start: Lsn
  bytes: number
  /** When the cluster last wrote to it. */
  writtenAt: Date
}

export async function addWal(request: WalRequest): Promise<AddedWal> {
  const files = await listFiles(request)
  const { segments, isAll, hasGap } = choose(files, request)
  await addFiles(
    request,
    files.filter(({ name }) => isHistoryFileName(name)),
  )
  const added = await addFiles(request, segments)
  return { isAll, hasGap, segments: added.map(describe) }
}

/** Leaves out what comes after a position: for PostgreSQL the WAL ends where zeros begin. */
export async function cutWal(dataDirectory: string, at: Lsn): Promise<void> {
  const directory = walDirectoryOf(dataDirectory)
  for (const name of await readdir(directory)) {
    const path = join(directory, name)
    const { size } = await stat(path)
    const segment = parseSegmentName(name, size)
    if (segment === undefined) continue
    const start = segment.number * BigInt(size)
    if (start >= at) await rm(path)
    else if (at < start + BigInt(size)) {
      await truncate(path, Number(at - start))
      // Its size has to stay.
      await truncate(path, size)
    }
  }
}

export const walDirectoryOf = (dataDirectory: string): string => join(dataDirectory, 'pg_wal')

interface KeptFile extends WalFile {
  isInStore: boolean
}

/** The cluster's own first: what it removes in between is in the store by then. */
async function listFiles({ store, line, sourceDirectory, from }: WalRequest): Promise<KeptFile[]> {
  const walDirectory = walDirectoryOf(sourceDirectory)
  const own: WalFile[] = []
  for (const name of await readdir(walDirectory)) {
    const found = await stat(join(walDirectory, name)).catch((error: unknown) => {
      if (errorCode(error) !== 'ENOENT') throw error
    })
    if (found?.isFile() === true) own.push({ name, bytes: found.size, writtenAt: found.mtime })
  }
  const kept = await store.list(line, from)
  const known = new Set(kept.map(({ name }) => name))
  return [
    ...kept.map((file) => ({ ...file, isInStore: true })),
    ...own.filter(({ name }) => !known.has(name)).map((file) => ({ ...file, isInStore: false })),
  ]
}

/**
 * Segments of the line's own timeline; of the one that it began on the snapshots have all that is theirs.
 * The first that was last written after the moment holds its last commits; one more is taken, since a
 * commit's time is read a little before it is written.
 */
function choose(
  files: readonly KeptFile[],
  { from, until, before }: WalRequest,
): { segments: KeptFile[]; isAll: boolean; hasGap: boolean } {
  const all = files.flatMap((file) => {
    const segment = parseSegmentName(file.name, file.bytes)
    return segment === undefined ? [] : [{ file, ...segment }]
  })
  const timeline = Math.max(...all.map((segment) => segment.timeline))
  const needed = all
    .filter((one) => one.timeline === timeline && one.number >= segmentOf(from, one.file.bytes))
    .toSorted((one, other) => (one.number < other.number ? -1 : 1))
  const segments: KeptFile[] = []
  let next = needed[0] && segmentOf(from, needed[0].file.bytes)
  let beyond = 0
  for (const { file, number } of needed) {
    if (before !== undefined && number * BigInt(file.bytes) >= before) break
    if (number !== next) return { segments, isAll: false, hasGap: true }
    if (beyond >= filesBeyond) return { segments, isAll: false, hasGap: false }
    segments.push(file)
    next = number + 1n
    if (until !== undefined && file.writtenAt > until) beyond += 1
  }
  return { segments, isAll: true, hasGap: false }
}

const filesBeyond = 2

/** Of a store that is far away, where each waits for the way there and back. */
const fetchesAtOnce = 8

async function addFiles(request: WalRequest, files: readonly KeptFile[]): Promise<WalFile[]> {
  const added: WalFile[] = []
  for (let from = 0; from < files.length; from += fetchesAtOnce) {
    const some = files.slice(from, from + fetchesAtOnce)
    const outcomes = await Promise.allSettled(some.map(async (file) => addFile(request, file)))
    // Not before all have ended: whoever asked removes the volume then.
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') throw outcome.reason
      added.push(outcome.value)
    }
  }
  return added
}

/** Answers the file as it was added: a cluster may have written to its own since it was listed. */
async function addFile(request: WalRequest, file: KeptFile): Promise<WalFile> {
  const path = join(walDirectoryOf(request.dataDirectory), file.name)
  await rm(path, { force: true })
  const own = file.isInStore ? undefined : await cloneOwn(request, file, path)
  const added = own ?? (file.isInStore ? file : await findInStore(request, file.name))
  if (own === undefined) await request.store.fetch(request.line, added, path)
  await giveTo(path, request.user)
  return added
}

/** One that the cluster has removed since it was listed is in the store by now. */
async function findInStore({ store, line, from }: WalRequest, name: string): Promise<WalFile> {
  const found = (await store.list(line, from)).find((file) => file.name === name)
  if (found === undefined) throw new Error(`${name} of line ${line} is not kept`)
  return found
}

async function cloneOwn(
  { sourceDirectory }: WalRequest,
  { name, bytes }: WalFile,
  path: string,
): Promise<WalFile | undefined> {
  const source = join(walDirectoryOf(sourceDirectory), name)
  try {
    await cloneFile(source, path)
    return { name, bytes, writtenAt: (await stat(source)).mtime }
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
    await rm(path, { force: true })
    return undefined
  }
}

function describe({ name, bytes, writtenAt }: WalFile): AddedSegment {
  const { number } = must(parseSegmentName(name, bytes), 'a segment was chosen by its name')
  return { bytes, start: number * BigInt(bytes), writtenAt }
}

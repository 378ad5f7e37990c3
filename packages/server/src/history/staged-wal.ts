import { mkdir, readdir, rm, stat, truncate } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { must } from '../lib/assert.ts'
import { errorCode } from '../lib/errors.ts'
import { type OsUser } from '../lib/exec.ts'
import { giveTo } from '../lib/files.ts'
import type { Lsn } from '../lib/lsn.ts'
import { cloneFile } from './directory-wal-store.ts'
import { isHistoryFileName, parseSegmentName, segmentOf } from './wal-names.ts'
import type { WalFile, WalStore } from './wal-store.ts'

/**
 * The WAL of one recovery, in a directory of its own that nothing is added to or removed from while it
 * runs: what the recovery may see is settled before it starts, and trimming need not wait for it.
 *
 * It is what the store has and, from the cluster's own `pg_wal`, what the store has not yet: commits are
 * there before they are answered, whatever the cluster does meanwhile.
 */
export interface StageRequest {
  store: WalStore
  line: string
  /** Made; belongs to PostgreSQL's user. */
  directory: string
  user: OsUser | undefined
  /** What the snapshot itself holds ends in this position's segment or later. */
  from: Lsn
  /** Nothing that is much later is needed. */
  until: Date | undefined
  /** Nor is anything that begins here or later. */
  before: Lsn | undefined
  /** The cluster's `pg_wal`. */
  walDirectory: string
}

export interface Staged {
  /** Whether it is all that there is, up to `before`. */
  isAll: boolean
  /** Whether a segment is missing, and nothing that is later was staged. */
  hasGap: boolean
  segments: StagedSegment[]
}

export interface StagedSegment {
  name: string
  bytes: number
  start: Lsn
  /** When the cluster last wrote to it. */
  writtenAt: Date
}

export async function stageWal(request: StageRequest): Promise<Staged> {
  const { directory, user } = request
  // PostgreSQL passes through the directories above, and reads its own.
  await mkdir(dirname(directory), { recursive: true, mode: 0o711 })
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const files = await listFiles(request)
  const { segments, isAll, hasGap } = choose(files, request)
  await stageFiles(
    request,
    files.filter(({ name }) => isHistoryFileName(name)),
  )
  const staged = (await stageFiles(request, segments)).map(describe)
  await giveTo(directory, user)
  return { isAll, hasGap, segments: staged }
}

/** Leaves out what comes after a position: for PostgreSQL the WAL ends where zeros begin. */
export async function cutStaged(directory: string, staged: Staged, at: Lsn): Promise<void> {
  for (const { name, bytes, start } of staged.segments) {
    const path = join(directory, name)
    if (start >= at) await rm(path, { force: true })
    else if (at < start + BigInt(bytes)) {
      await truncate(path, Number(at - start))
      // Its size has to stay.
      await truncate(path, bytes)
    }
  }
}

interface KeptFile extends WalFile {
  isInStore: boolean
}

/** The cluster's own first: what it removes in between is in the store by then. */
async function listFiles({ store, line, walDirectory, from }: StageRequest): Promise<KeptFile[]> {
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
  { from, until, before }: StageRequest,
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

async function stageFiles(request: StageRequest, files: readonly KeptFile[]): Promise<WalFile[]> {
  const staged: WalFile[] = []
  for (let from = 0; from < files.length; from += fetchesAtOnce) {
    const some = files.slice(from, from + fetchesAtOnce)
    const outcomes = await Promise.allSettled(some.map(async (file) => stageFile(request, file)))
    // Not before all have ended: whoever asked removes the directory then.
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') throw outcome.reason
      staged.push(outcome.value)
    }
  }
  return staged
}

/** Answers the file as it was staged: a cluster may have written to its own since it was listed. */
async function stageFile(request: StageRequest, file: KeptFile): Promise<WalFile> {
  const path = join(request.directory, file.name)
  await rm(path, { force: true })
  const own = file.isInStore ? undefined : await cloneOwn(request, file, path)
  const staged = own ?? (file.isInStore ? file : await findInStore(request, file.name))
  if (own === undefined) await request.store.fetch(request.line, staged, path)
  await giveTo(path, request.user)
  return staged
}

/** One that the cluster has removed since it was listed is in the store by now. */
async function findInStore({ store, line, from }: StageRequest, name: string): Promise<WalFile> {
  const found = (await store.list(line, from)).find((file) => file.name === name)
  if (found === undefined) throw new Error(`${name} of line ${line} is not kept`)
  return found
}

async function cloneOwn(
  { walDirectory }: StageRequest,
  { name, bytes }: WalFile,
  path: string,
): Promise<WalFile | undefined> {
  const source = join(walDirectory, name)
  try {
    await cloneFile(source, path)
    return { name, bytes, writtenAt: (await stat(source)).mtime }
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
    await rm(path, { force: true })
    return undefined
  }
}

function describe({ name, bytes, writtenAt }: WalFile): StagedSegment {
  const { number } = must(parseSegmentName(name, bytes), 'a segment was chosen by its name')
  return { name, bytes, start: number * BigInt(bytes), writtenAt }
}

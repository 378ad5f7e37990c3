import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { type OsUser } from '../lib/exec.ts'
import { giveTo } from '../lib/files.ts'
import type { Lsn } from '../lib/lsn.ts'
import { cloneFile } from './directory-wal-store.ts'
import { isHistoryFileName, parseSegmentName, segmentOf } from './wal-names.ts'
import type { WalFile, WalStore } from './wal-store.ts'

/**
 * The WAL of one recovery, in a directory of its own that nothing is added to or removed from while it
 * runs: what the recovery may see is settled before it starts, and trimming need not wait for it.
 */
export interface StageRequest {
  store: WalStore
  line: string
  /** Made; belongs to PostgreSQL's user. */
  directory: string
  user: OsUser | undefined
  /** What the snapshot itself holds ends in this position's segment or later. */
  from: Lsn
  /** Nothing that is later is needed; everything where it is undefined. */
  until: WalLimit | undefined
  /** `pg_wal` of a cluster that does not run: its last segment, which is not finished, is taken too. */
  tail: string | undefined
}

export type WalLimit = { kind: 'time'; time: Date } | { kind: 'lsn'; lsn: Lsn }

/** Answers whether all that there is has been staged. */
export async function stageWal(request: StageRequest): Promise<{ isAll: boolean }> {
  const { store, line, directory, user } = request
  // PostgreSQL passes through the directories above, and reads its own.
  await mkdir(dirname(directory), { recursive: true, mode: 0o711 })
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const kept = await store.list(line)
  const { files, isAll } = choose(kept, request)
  for (let from = 0; from < files.length; from += fetchesAtOnce) {
    const some = files.slice(from, from + fetchesAtOnce)
    const outcomes = await Promise.allSettled(some.map(async (file) => stageFile(file, request)))
    // Not before all have ended: whoever asked removes the directory then.
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }
  if (request.tail !== undefined && isAll) await stageTail(request.tail, request, kept)
  await giveTo(directory, user)
  return { isAll }
}

/** Of a store that is far away, where each waits for the way there and back. */
const fetchesAtOnce = 8

async function stageFile(file: WalFile, { store, line, directory, user }: StageRequest) {
  const path = join(directory, file.name)
  await rm(path, { force: true })
  await store.fetch(line, file, path)
  await giveTo(path, user)
}

/**
 * The first file that was last written after the moment holds its last commits; one more is taken,
 * since a commit's time is read a little before it is written.
 */
function choose(
  kept: readonly WalFile[],
  request: StageRequest,
): { files: WalFile[]; isAll: boolean } {
  const files = kept.filter(({ name }) => isHistoryFileName(name))
  const { until } = request
  let beyond = 0
  for (const file of kept) {
    const { name, bytes, writtenAt } = file
    const segment = parseSegmentName(name, bytes)
    if (segment === undefined || segment.number < segmentOf(request.from, bytes)) continue
    if (beyond >= filesBeyond) return { files, isAll: false }
    files.push(file)
    if (until?.kind === 'time' && writtenAt > until.time) beyond += 1
    if (until?.kind === 'lsn' && segment.number >= segmentOf(until.lsn, bytes)) beyond += 1
  }
  return { files, isAll: true }
}

const filesBeyond = 2

async function stageTail(
  walDirectory: string,
  { directory, user, from }: StageRequest,
  kept: readonly WalFile[],
): Promise<void> {
  const known = new Set(kept.map(({ name }) => name))
  for (const name of await readdir(walDirectory)) {
    if (known.has(name)) continue
    const source = join(walDirectory, name)
    const { size } = await stat(source)
    const segment = parseSegmentName(name, size)
    const isNeeded = segment !== undefined && segment.number >= segmentOf(from, size)
    if (!isNeeded && !isHistoryFileName(name)) continue
    const path = join(directory, name)
    await rm(path, { force: true })
    await cloneFile(source, path)
    await giveTo(path, user)
  }
}

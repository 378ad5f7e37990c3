import { link, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { freshCloneSignal } from '../../compute/fresh-clone.ts'
import {
  isHistoryFileName,
  parseSegmentName,
  segmentEnd,
  timelineOf,
} from '../../history/wal-names.ts'
import type { WalFile } from '../../history/wal-store.ts'
import { AppError, errorCode } from '../../lib/errors.ts'
import { namesIn } from '../../lib/files.ts'
import { newScratchId } from '../../lib/ids.ts'
import { type Lsn, renderLsn } from '../../lib/lsn.ts'
import { findBranchCompute } from '../branch-compute.ts'
import { cloneVolume } from '../clone-volume.ts'
import type { Context } from '../context.ts'
import { walDirectory } from '../history/create-history.ts'
import { withLine } from '../history/line-snapshots.ts'
import { removeScratch } from '../history/scratch.ts'
import { readRestingEnd } from '../history/wal-bounds.ts'
import { packedPath } from '../packed-volume.ts'
import { type BackupLineRow, listBackupLines, listBackupSnapshots } from '../store/backups.ts'
import { findAnyBranch } from '../store/branches.ts'
import { dumpTables } from '../store/dump.ts'
import { volumeDataDirectory } from '../volumes.ts'

/** What the store says is there, at one moment, and its rows as files. */
export interface HeldContents {
  directory: string
  schema_version: number
  lines: BackupLineRow[]
  snapshots: { id: string; line: string; taken_at: Date }[]
}

/** Something that holds still until it is let go of. */
export interface HeldVolume {
  /** To let go of it. */
  id: string
  /** A directory with `pgdata` in it; for one that is packed, with the one file. */
  path: string
  is_packed: boolean
  /** Whether times of its files are those of the original. */
  keeps_times: boolean
  /** When everything in it had been written. */
  at: Date
  /** What it holds of its line's WAL ends not before this, on this timeline. */
  end: { lsn: string; timeline: number } | undefined
}

/**
 * What a backup reads while the platform runs: the store's rows first, then a clone of each volume that
 * they name, one or several at a time, then the WAL that the clone has behind it. A clone that is made
 * later than the rows has everything that was committed before them. Whatever is held goes with `end`,
 * or with the next start.
 */
export class BackupHold {
  readonly #context: Context
  /** For the store's rows: private. */
  readonly #directory: string
  readonly #scratch = new Set<string>()
  readonly #directories = new Set<string>()

  constructor(context: Context, directory: string) {
    this.#context = context
    this.#directory = directory
  }

  async contents(): Promise<HeldContents> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    const directory = await mkdtemp(join(this.#directory, 'store-'))
    this.#directories.add(directory)
    const seen = await this.#context.store.begin(
      'isolation level repeatable read read only',
      async (sql) => {
        const { schema_version } = await dumpTables(sql, directory)
        const [lines, snapshots] = [await listBackupLines(sql), await listBackupSnapshots(sql)]
        return { schema_version, lines: [...lines], snapshots: [...snapshots] }
      },
    )
    return { directory, ...seen }
  }

  /** A branch's volume as it is now; undefined where it has gone since the rows were read. */
  async takeLine(volumeId: string, branchId: string): Promise<HeldVolume | undefined> {
    const { volumes } = this.#context
    try {
      if (await volumes.exists(volumeId)) return await this.#cloneLine(volumeId, branchId)
    } catch (error) {
      // Otherwise it was deleted or packed meanwhile.
      if (await volumes.exists(volumeId)) throw error
    }
    return this.#linkPacked(volumeId)
  }

  /** A clone that recoveries begin with; undefined where it has been trimmed. */
  async takeSnapshot(id: string, line: string): Promise<HeldVolume | undefined> {
    const { volumes } = this.#context
    const scratchId = this.#newScratch()
    const isThere = await withLine(this.#context, line, async () => {
      if (!(await volumes.exists(id))) return false
      await volumes.clone(id, scratchId)
      return true
    })
    return isThere
      ? this.#heldClone(scratchId, { keepsTimes: volumes.isAtomic, end: undefined })
      : undefined
  }

  /** What is kept of a line's WAL up to where a clone of it ends: what is later belongs to another future. */
  async listWal(line: string, end: { lsn: Lsn; timeline: number } | undefined): Promise<WalFile[]> {
    const files = await this.#context.history.wal.list(line)
    return files.filter(({ name, bytes }) => {
      if (end === undefined) return true
      if (isHistoryFileName(name)) return timelineOf(name) <= end.timeline
      const segment = parseSegmentName(name, bytes)
      return segment !== undefined && segmentEnd(segment.number, bytes) <= end.lsn
    })
  }

  /** Some of those files in a directory; what was trimmed since is left out. */
  async fetchWal(line: string, files: readonly WalFile[]): Promise<string> {
    const root = walDirectory(this.#context.volumes.root)
    await mkdir(root, { recursive: true, mode: 0o711 })
    const directory = await mkdtemp(join(root, heldPrefix))
    this.#directories.add(directory)
    for (const file of files) await this.#fetchOne(line, file, directory)
    return directory
  }

  /** A volume, or a directory. Where that fails, `end` tries once more. */
  async release(idOrDirectory: string): Promise<void> {
    if (this.#scratch.has(idOrDirectory)) await removeScratch(this.#context, idOrDirectory)
    if (this.#directories.has(idOrDirectory)) {
      await rm(idOrDirectory, { recursive: true, force: true })
    }
    this.#scratch.delete(idOrDirectory)
    this.#directories.delete(idOrDirectory)
  }

  /** Lets go of everything that it can, and rejects where something stays. */
  async end(): Promise<void> {
    const held = [...this.#scratch, ...this.#directories]
    const outcomes = await Promise.allSettled(held.map(async (one) => this.release(one)))
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }

  #newScratch(): string {
    const id = newScratchId()
    this.#scratch.add(id)
    return id
  }

  async #cloneLine(volumeId: string, branchId: string): Promise<HeldVolume | undefined> {
    const context = this.#context
    const branch = await findAnyBranch(context.store, branchId)
    // The line may have become another branch's meanwhile, whose compute then writes to it.
    if (branch?.volume_id !== volumeId) return undefined
    const compute = await findBranchCompute(context, branchId)
    const scratchId = this.#newScratch()
    const atRest = async (): Promise<Lsn> => {
      await context.volumes.clone(volumeId, scratchId)
      return readRestingEnd(volumeDataDirectory(context.volumes, scratchId))
    }
    const clone = async (): Promise<Lsn> => {
      try {
        return (await cloneVolume(context, { volumeId, compute }, scratchId)).bounds.from
      } catch (error) {
        // A copy wants the cluster awake; one that may not wake stays at rest.
        if (compute === undefined || !mayNotWake(error)) throw error
        return compute.whileStopped(atRest)
      }
    }
    const lsn = await clone()
    const dataDirectory = volumeDataDirectory(context.volumes, scratchId)
    // It goes on as after a crash, on the timeline that it was on.
    await rm(join(dataDirectory, freshCloneSignal), { force: true })
    const timeline = await newestTimeline(join(dataDirectory, 'pg_wal'))
    return this.#heldClone(scratchId, {
      keepsTimes: context.volumes.isAtomic,
      end: { lsn: renderLsn(lsn), timeline },
    })
  }

  #heldClone(
    id: string,
    { keepsTimes, end }: { keepsTimes: boolean; end: HeldVolume['end'] },
  ): HeldVolume {
    const path = this.#context.volumes.path(id)
    return { id, path, is_packed: false, keeps_times: keepsTimes, at: new Date(), end }
  }

  async #linkPacked(volumeId: string): Promise<HeldVolume | undefined> {
    const packed = packedPath(this.#context, volumeId)
    const { root } = this.#context.volumes
    const directory = await mkdtemp(join(root, heldPrefix))
    this.#directories.add(directory)
    try {
      await link(packed, join(directory, `${volumeId}.tar.gz`))
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error
      return undefined
    }
    return {
      id: directory,
      path: directory,
      is_packed: true,
      keeps_times: true,
      at: new Date(),
      end: undefined,
    }
  }

  async #fetchOne(line: string, file: WalFile, directory: string): Promise<void> {
    const { volumes, history } = this.#context
    const target = join(directory, file.name)
    try {
      await link(join(walDirectory(volumes.root), line, file.name), target)
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error
      // In S3, or trimmed since it was listed.
      await history.wal.fetch(line, file, target).catch(async (reason: unknown) => {
        await rm(target, { force: true })
        const names = (await history.wal.list(line)).map(({ name }) => name)
        if (names.includes(file.name)) throw reason
      })
    }
  }
}

/** Of directories in the pool that a crash may leave behind. */
const heldPrefix = '.held-'

/** Before anything is held: what an earlier process has left. */
export async function sweepHeld(context: Context, directory: string): Promise<void> {
  const { root } = context.volumes
  await rm(directory, { recursive: true, force: true })
  for (const place of [root, walDirectory(root)]) {
    for (const name of await namesIn(place)) {
      if (name.startsWith(heldPrefix)) await rm(join(place, name), { recursive: true, force: true })
    }
  }
}

async function newestTimeline(walDirectory: string): Promise<number> {
  const names = (await namesIn(walDirectory)).filter((name) => /^[0-9A-F]{24}$/.test(name))
  return Math.max(1, ...names.map(timelineOf))
}

const mayNotWake = (error: unknown): boolean =>
  error instanceof AppError && ['endpoint_disabled', 'quota_exceeded'].includes(error.code)

import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

import type { Sql } from 'postgres'

import { describeError } from '../lib/errors.ts'
import { ifThere } from '../lib/files.ts'
import { KeyedLock } from '../lib/keyed-lock.ts'
import type { Logger } from '../lib/log.ts'
import { type Lsn, parseLsn, renderLsn } from '../lib/lsn.ts'
import type { Service } from '../lib/service.ts'
import { isHistoryFileName, parseSegmentName, segmentEnd } from './wal-names.ts'
import type { WalStore } from './wal-store.ts'

/**
 * Keeps the WAL of running clusters.
 *
 * PostgreSQL holds its WAL back for a replication slot of ours; every second, what is finished is put into
 * the store and the slot moved behind it. So nothing is lost while this process is away, and no process
 * of each cluster's own is needed, as an `archive_command` would be. What is not finished yet lies in
 * the volume itself, durable as any commit: a recovery takes it from there (`added-wal.ts`).
 *
 * Only the cluster's current timeline is kept. WAL of the timeline that a clone began on is in the
 * clone itself up to the point where it left; what its parent wrote there later is the parent's.
 */
export interface WalSource {
  /** The volume's. */
  line: string
  dataDirectory: string
  /** Undefined where the cluster does not run; never wakes it. */
  look<T>(work: (sql: Sql) => Promise<T>): Promise<T | undefined>
}

interface WalArchiverOptions {
  store: WalStore
  sources: () => WalSource[]
  log: Logger
}

export const historySlot = 'coppice_history'

/** Also the most of a crash of this host's disk that leaves the pool's WAL store whole could cost. */
const intervalMs = 1_000

interface Segment {
  name: string
  /** Undefined where it has just been renamed. */
  writtenMs: number | undefined
}

interface LineState {
  /** The file of `pg_wal` that `position` is in. */
  file: string
  /** The segment after it, as it was before the cluster was asked; undefined where there was none. */
  next: Segment | undefined
  /** Where the cluster had flushed to when it was last asked. */
  position: Lsn
  timeline: number
  /** The last segment of the timeline that the store has. */
  archived: bigint | undefined
  /** Where the segments begin that lead up to that one without a gap. */
  keptFrom: Lsn | undefined
}

export class WalArchiver implements Service {
  readonly #options: WalArchiverOptions
  readonly #lines = new Map<string, LineState>()
  readonly #locks = new KeyedLock()
  #timer: NodeJS.Timeout | undefined
  #ticking: Promise<void> = Promise.resolve()
  #isTicking = false

  constructor(options: WalArchiverOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    this.#timer = setInterval(() => {
      if (this.#isTicking) return
      this.#isTicking = true
      this.#ticking = this.#tick().finally(() => (this.#isTicking = false))
    }, intervalMs)
    this.#timer.unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#ticking
  }

  /** How far a line was written when it was last seen; undefined where it has not been seen running. */
  position(line: string): Lsn | undefined {
    return this.#lines.get(line)?.position
  }

  /**
   * From where on all WAL of a line is kept; undefined where it has not been seen running. A moment
   * after this needs a snapshot that is not before it.
   */
  keptFrom(line: string): Lsn | undefined {
    return this.#lines.get(line)?.keptFrom
  }

  /**
   * Has a running cluster write out what it has committed so far, also what nobody waited for
   * (`synchronous_commit = off`). One that does not run, or is being stopped, has done so.
   */
  async flush(source: WalSource): Promise<void> {
    try {
      await source.look(async (sql) => sql`select pg_logical_emit_message(true, 'coppice', '')`)
    } catch (error) {
      const { log } = this.#options
      log.debug({ line: source.line, error: describeError(error) }, 'the WAL was not flushed')
    }
  }

  /** Puts what is finished into the store. */
  async archive(source: WalSource): Promise<void> {
    await this.#locks.run(source.line, async () => this.#archive(source))
  }

  /** Forgets a line that no cluster writes to any more; once resolved, nothing of it is put any more. */
  async forget(line: string): Promise<void> {
    await this.#locks.run(line, async () => this.#lines.delete(line))
  }

  async #tick(): Promise<void> {
    for (const source of this.#options.sources()) {
      await this.archive(source).catch((error: unknown) => {
        // One that is being stopped does not answer; its WAL is kept at its next start.
        const level = this.#lines.has(source.line) ? 'debug' : 'warn'
        this.#options.log[level]({ line: source.line, error: describeError(error) }, 'WAL not kept')
      })
    }
  }

  async #archive(source: WalSource): Promise<void> {
    const directory = join(source.dataDirectory, 'pg_wal')
    const names = (await readdir(directory)).toSorted()
    const known = this.#lines.get(source.line)
    const segments = names.filter((name) => /^[0-9A-F]{24}$/.test(name))
    const [newest] = segments.slice(-1)
    if (newest === undefined) return
    if (known !== undefined && !(await hasMovedOn(directory, segments, known))) return
    const before = await Promise.all(segments.map(async (name) => seeSegment(directory, name)))
    const seen = await source.look(readPosition)
    if (seen === undefined) return
    const segmentBytes = (await stat(join(directory, newest))).size
    const state: LineState = {
      file: seen.file,
      next: before.find((_, at) => segments[at - 1] === seen.file),
      position: seen.position,
      timeline: seen.timeline,
      ...(known?.timeline === seen.timeline
        ? { archived: known.archived, keptFrom: known.keptFrom }
        : await this.#readKept(source.line, seen.timeline, segmentBytes)),
    }
    for (const name of names.filter(isHistoryFileName))
      await this.#put(source.line, directory, name)
    for (const name of names) {
      const segment = parseSegmentName(name, segmentBytes)
      if (segment?.timeline !== seen.timeline) continue
      if (state.archived !== undefined && segment.number <= state.archived) continue
      if (segmentEnd(segment.number, segmentBytes) > seen.position) continue
      if (state.archived !== undefined && segment.number !== state.archived + 1n) {
        this.#options.log.error({ line: source.line, segment: name }, 'WAL is missing before this')
        state.keptFrom = undefined
      }
      await this.#put(source.line, directory, name)
      state.archived = segment.number
      state.keptFrom ??= segment.number * BigInt(segmentBytes)
    }
    this.#lines.set(source.line, state)
    if (state.archived === undefined) return
    const end = segmentEnd(state.archived, segmentBytes)
    await source.look(async (sql) => moveSlot(sql, end))
  }

  async #put(line: string, directory: string, name: string): Promise<void> {
    const path = join(directory, name)
    const { size, mtime } = await stat(path)
    await this.#options.store.put(line, { name, path, bytes: size, writtenAt: mtime })
  }

  async #readKept(
    line: string,
    timeline: number,
    segmentBytes: number,
  ): Promise<Pick<LineState, 'archived' | 'keptFrom'>> {
    const numbers = (await this.#options.store.list(line)).flatMap(({ name }) => {
      const segment = parseSegmentName(name, segmentBytes)
      return segment?.timeline === timeline ? [segment.number] : []
    })
    const archived = numbers.at(-1)
    if (archived === undefined) return { archived: undefined, keptFrom: undefined }
    const first = numbers.findLast((number, index) => numbers[index - 1] !== number - 1n)
    return { archived, keptFrom: (first ?? archived) * BigInt(segmentBytes) }
  }
}

/**
 * Whether PostgreSQL may write to a later segment by now: they are written one after another. The next one may
 * have been made in advance, or be an old one that was renamed to be written to (manual, "WAL Configuration"),
 * so it counts as written to when it is not as it was. Whether it is later than another says nothing: clocks
 * are set back.
 */
async function hasMovedOn(
  directory: string,
  segments: readonly string[],
  { file, next: known }: Pick<LineState, 'file' | 'next'>,
): Promise<boolean> {
  const at = segments.indexOf(file)
  const name = segments[at + 1]
  if (at === -1 || name === undefined) return at === -1
  const next = await seeSegment(directory, name)
  return next.name !== known?.name || next.writtenMs !== known.writtenMs
}

/** PostgreSQL removes and renames while it is looked at. */
async function seeSegment(directory: string, name: string): Promise<Segment> {
  return { name, writtenMs: (await ifThere(stat(join(directory, name))))?.mtimeMs }
}

async function readPosition(sql: Sql): Promise<{ position: Lsn; file: string; timeline: number }> {
  const [row] = await sql<{ lsn: string; file: string }[]>`
    select lsn::text, pg_walfile_name(lsn) as file from pg_current_wal_flush_lsn() as lsn`
  const position = row && parseLsn(row.lsn)
  if (row === undefined || position === undefined) throw new Error('the cluster tells no position')
  return { position, file: row.file, timeline: Number.parseInt(row.file.slice(0, 8), 16) }
}

/** A slot may not move backwards, as it would for a store that lost its last files. */
async function moveSlot(sql: Sql, to: Lsn): Promise<void> {
  const [slot] = await sql<{ restart_lsn: string | null }[]>`
    select restart_lsn::text from pg_replication_slots where slot_name = ${historySlot}`
  if (slot === undefined) {
    await sql`select pg_create_physical_replication_slot(${historySlot}, true)`
    return
  }
  const from = slot.restart_lsn === null ? undefined : parseLsn(slot.restart_lsn)
  if (from === undefined) {
    // Invalidated, because it held back more than it may: the gap shows by itself.
    await sql`select pg_drop_replication_slot(${historySlot})`
    await sql`select pg_create_physical_replication_slot(${historySlot}, true)`
  } else if (from < to) {
    await sql`select pg_replication_slot_advance(${historySlot}, ${renderLsn(to)}::pg_lsn)`
  }
}

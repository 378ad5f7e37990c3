import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

import { errorCode } from '../lib/errors.ts'
import type { Lsn } from '../lib/lsn.ts'
import { parseSegmentName, type SegmentName, segmentEnd, segmentOf } from './wal-names.ts'

/**
 * Reads WAL as PostgreSQL's recovery does: record after record, until one is not whole
 * (src/backend/access/transam/xlogreader.c; layouts in xlog_internal.h, xlogrecord.h and xact.h, the same
 * in 14 to 18).
 *
 * A clone of a running cluster ends at a point that nobody can be asked for, and by which what is the
 * clone's own is told apart from what was its parent's.
 */
export async function readWalEnd(walDirectory: string, from: Lsn): Promise<Lsn | undefined> {
  let end: Lsn | undefined
  for await (const record of readRecords(walDirectory, from, { isChecked: true })) end = record.end
  return end
}

/**
 * Where what was committed by a time ends, in microseconds since 1970: after the last transaction that had
 * ended by then, or been prepared. Undefined where none that is later follows, or not before `limit`. What
 * lies between its end and the later one is of transactions that had not ended, and not all of it would
 * be undone with them: DROP DATABASE marks the database, and writes that its files are gone, before it
 * commits. PostgreSQL's own `recovery_target_time` goes up to the later one, and so breaks a database at every
 * moment since the transaction before.
 */
export async function findEndOfTime(
  walDirectory: string,
  from: Lsn,
  us: bigint,
  limit: Lsn | undefined,
): Promise<Lsn | undefined> {
  let end: Lsn | undefined
  for await (const record of readRecords(walDirectory, from, { isChecked: false })) {
    if (limit !== undefined && record.start >= limit) return undefined
    // What is before the segment that it begins with was written before that time.
    end ??= record.start
    const time = timeOf(record.content)
    if (time === undefined) continue
    if (time > us) return end
    end = record.end
  }
  return undefined
}

/**
 * Where the segment before the last one begins: near the end, and surely before it. Segments beyond it that
 * are only prepared, or hold what once was in others, do not count.
 */
export async function readLastSegments(walDirectory: string): Promise<Lsn | undefined> {
  const segments = await findSegments(walDirectory)
  if (segments === undefined) return undefined
  const reader = new PageReader(walDirectory, segments)
  const startOf = (number: bigint): Lsn => number * BigInt(segments.bytes)
  for (const number of [...segments.names.keys()].toSorted((a, b) => (a > b ? -1 : 1))) {
    if ((await reader.read(startOf(number))) === undefined) continue
    return startOf(segments.names.has(number - 1n) ? number - 1n : number)
  }
  return undefined
}

const pageBytes = 8192
const pageHeaderBytes = 24
const longPageHeaderBytes = 40
const recordHeaderBytes = 24
/** More than any record may have (`XLogRecordMaxSize`). */
const recordMaxBytes = 1024 ** 3

/** Flags of a page (`xlp_info`). */
const firstIsContinued = 0x0001
const isLong = 0x0002
const overwritesContinued = 0x0008

interface Segments {
  bytes: number
  /** Of the cluster's timeline, and before that one began of those that it came from. */
  names: Map<bigint, string>
}

async function findSegments(walDirectory: string): Promise<Segments | undefined> {
  const names = (await readdir(walDirectory)).filter((name) => /^[0-9A-F]{24}$/.test(name))
  const first = names[0]
  if (first === undefined) return undefined
  const bytes = (await stat(join(walDirectory, first))).size
  const found = names.flatMap((name) => {
    const segment = parseSegmentName(name, bytes)
    return segment === undefined ? [] : [{ name, ...segment }]
  })
  const timeline = Math.max(...found.map((segment) => segment.timeline))
  const own = found.filter((segment) => segment.timeline === timeline)
  const last = own.reduce((most, { number }) => (number > most ? number : most), 0n)
  const chosen = found
    .filter(({ number }) => number <= last)
    .toSorted((a: SegmentName, b: SegmentName) => a.timeline - b.timeline)
  return { bytes, names: new Map(chosen.map(({ number, name }) => [number, name])) }
}

interface Page {
  start: Lsn
  flags: number
  /** Bytes at its beginning that belong to a record of a page before. */
  continuedBytes: number
  /** What follows its header. */
  content: Buffer
}

/** Answers pages; one that was never written, or holds another position's, is none. */
class PageReader {
  readonly #directory: string
  readonly #segments: Segments
  #segment: { number: bigint; content: Buffer } | undefined
  #page: Page | undefined

  constructor(directory: string, segments: Segments) {
    this.#directory = directory
    this.#segments = segments
  }

  get segmentBytes(): number {
    return this.#segments.bytes
  }

  async read(at: Lsn): Promise<Page | undefined> {
    const { bytes } = this.#segments
    const start = at - (at % BigInt(pageBytes))
    if (this.#page?.start === start) return this.#page
    const segment = await this.#read(segmentOf(start, bytes))
    if (segment === undefined) return undefined
    const offset = Number(start % BigInt(bytes))
    const page = segment.subarray(offset, offset + pageBytes)
    if (page.length < pageBytes || page.readBigUInt64LE(8) !== start) return undefined
    const flags = page.readUInt16LE(2)
    this.#page = {
      start,
      flags,
      continuedBytes: page.readUInt32LE(16),
      content: page.subarray((flags & isLong) === 0 ? pageHeaderBytes : longPageHeaderBytes),
    }
    return this.#page
  }

  async #read(number: bigint): Promise<Buffer | undefined> {
    if (this.#segment?.number === number) return this.#segment.content
    const name = this.#segments.names.get(number)
    if (name === undefined) return undefined
    try {
      this.#segment = { number, content: await readFile(join(this.#directory, name)) }
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error
      return undefined
    }
    return this.#segment.content
  }
}

interface WalRecord {
  start: Lsn
  /** Where the next one may begin. */
  end: Lsn
  content: Buffer
}

/** From the first record that begins on the page of a position; none where there is no such page. */
async function* readRecords(
  walDirectory: string,
  from: Lsn,
  options: { isChecked: boolean },
): AsyncGenerator<WalRecord> {
  const segments = await findSegments(walDirectory)
  if (segments === undefined) return
  const reader = new PageReader(walDirectory, segments)
  let page = await reader.read(from)
  let offset = page && firstRecord(page)
  let previous: Lsn | undefined
  while (page !== undefined && offset !== undefined) {
    if (offset >= page.content.length) {
      const isInNext: boolean = offset === page.content.length
      page = await reader.read(page.start + BigInt(pageBytes))
      offset = page && (isInNext ? 0 : firstRecord(page))
      continue
    }
    const found: Found | undefined = await readRecord(reader, page, offset, previous)
    if (found === undefined || (options.isChecked && !isWhole(found))) return
    if (found.content !== undefined) {
      previous = positionOf(page, offset)
      yield { start: previous, end: found.next, content: found.content }
    }
    page = await reader.read(found.next)
    offset = page && Math.max(0, Number(found.next - positionOf(page, 0)))
  }
}

const positionOf = (page: Page, offset: number): Lsn =>
  page.start + BigInt(pageBytes - page.content.length + offset)

/** Beyond the page's end where none begins on it. */
function firstRecord(page: Page): number {
  if ((page.flags & firstIsContinued) === 0) return 0
  const end = align(page.continuedBytes)
  return end >= page.content.length ? page.content.length + 1 : end
}

const align = (bytes: number): number => Math.ceil(bytes / 8) * 8

interface Found {
  /** Where the next record begins, but for a page's header. */
  next: Lsn
  /** Undefined for the start of a record that a crash cut short, and that later WAL says to leave out. */
  content: Buffer | undefined
}

/** The record at an offset of a page, where all of it is there. */
async function readRecord(
  reader: PageReader,
  page: Page,
  offset: number,
  previous: Lsn | undefined,
): Promise<Found | undefined> {
  const length = page.content.readUInt32LE(offset)
  if (length < recordHeaderBytes || length > recordMaxBytes) return undefined
  const parts: Buffer[] = []
  let [on, at, missing] = [page, offset, length]
  for (;;) {
    const part = on.content.subarray(at, at + missing)
    parts.push(part)
    missing -= part.length
    at += part.length
    if (missing === 0) break
    const next = await reader.read(on.start + BigInt(pageBytes))
    if (next === undefined) return undefined
    if ((next.flags & overwritesContinued) !== 0) {
      return { next: positionOf(next, 0), content: undefined }
    }
    if ((next.flags & firstIsContinued) === 0 || next.continuedBytes !== missing) return undefined
    on = next
    at = 0
  }
  const content = parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts)
  if (previous !== undefined && content.readBigUInt64LE(8) !== previous) return undefined
  const end = positionOf(on, align(at))
  if (!isSwitch(content)) return { next: end, content }
  // What is left of the segment is skipped.
  const segment = segmentOf(end - 1n, reader.segmentBytes)
  return { next: segmentEnd(segment, reader.segmentBytes), content }
}

const isWhole = ({ content }: Found): boolean =>
  content === undefined || checksum(content) === content.readUInt32LE(20)

/** `RM_XLOG_ID` and `XLOG_SWITCH`. */
const isSwitch = (record: Buffer): boolean =>
  record[17] === 0 && ((record[16] ?? 0) & 0xf0) === 0x40

/** CRC-32C of what follows the header, then of the header up to its own (`ValidXLogRecord`). */
function checksum(record: Buffer): number {
  let crc = 0xffffffff
  for (const part of [record.subarray(recordHeaderBytes), record.subarray(0, 20)]) {
    for (const byte of part) crc = (crc >>> 8) ^ (crcTable[(crc ^ byte) & 0xff] ?? 0)
  }
  return ~crc >>> 0
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++)
    value = (value & 1) === 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1
  return value
})

/** `RM_XACT_ID`, and its records: commit, prepare, abort, and the two that end what was prepared. */
const transactionManager = 1
const operationMask = 0x70
const prepareOperation = 0x10
const lastTimedOperation = 0x40

/** When the transaction of a record ended or was prepared; undefined for other records. */
function timeOf(record: Buffer): bigint | undefined {
  const operation = (record[16] ?? 0) & operationMask
  if (record[17] !== transactionManager || operation > lastTimedOperation) return undefined
  // What is the record's own is at its end: after 255 and a byte of length, or 254 and four.
  const length = mainDataLength(record)
  if (length === undefined) return undefined
  const start = record.length - length + (operation === prepareOperation ? 16 : 0)
  return record.readBigInt64LE(start) + postgresEpochUs
}

/** Past what may stand before it in such a record: its origin, its topmost transaction. */
function mainDataLength(record: Buffer): number | undefined {
  let at = recordHeaderBytes
  while (at < record.length) {
    const id = record[at]
    if (id === 255) return record[at + 1]
    if (id === 254) return record.readUInt32LE(at + 1)
    if (id === 253) at += 3
    else if (id === 252) at += 5
    else return undefined
  }
  return undefined
}

/** Of 2000-01-01, from which PostgreSQL counts. */
const postgresEpochUs = BigInt(Date.UTC(2000, 0, 1)) * 1000n

import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'

import { errorCode } from '../lib/errors.ts'
import { replaceFile } from '../lib/files.ts'
import type { ProcessIdentity } from './processes.ts'
import { addUsage, hourMs, hourOf, type UsageCounters, type UsageHours } from './usage-hours.ts'
import { type WalCounter, writtenSince } from './wal-counter.ts'

/**
 * What one compute has used, by hour, in a file beside it.
 *
 * Counters only grow, and whoever collects them is told nothing that is not in the file: collected as
 * "so much by now" under the ledger's id, they are never counted twice, whatever dies in between. With
 * them lies the last reading of the process that is measured. A daemon that finds the same process
 * running counts on from there, so that its own absence costs nothing; where the process has ended
 * meanwhile, what it did after the last reading is lost.
 */
export interface UsageSnapshot {
  ledgerId: string
  /** Those that have changed since they were last settled, as a whole each. */
  hours: { hour: string; counters: UsageCounters }[]
}

export interface Measurement {
  /** Of the process and its children since it began; undefined where it cannot be known. */
  cpuMs: number | undefined
  wal: WalCounter | undefined
}

/** Between these a compute's size follows its processor time; alike where it is fixed. */
export interface SizeRange {
  minComputeUnits: number
  maxComputeUnits: number
}

/** The process that is measured, when it last was, and its processor time then. */
interface Running extends ProcessIdentity {
  atMs: number
  cpuMs?: number
  /** Compute units × milliseconds since it began. */
  computeMs?: number
}

interface LedgerFile {
  ledgerId: string
  hours: Record<string, UsageCounters>
  running?: Running
  wal?: WalCounter
}

/** A year of them, where nobody collects. */
const maxHours = 9_000

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Milliseconds since some moment, which neither clock changes nor a sleeping machine move on. */
  monotonic(): number
}

const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() }

export class UsageLedger {
  readonly #path: string
  readonly #clock: Clock
  #ledgerId: string = randomUUID()
  #hours: UsageHours = new Map()
  #running: Running | undefined
  /** Of the last reading, where this process has made it. */
  #markMs: number | undefined
  #wal: WalCounter | undefined
  #lastComputeMs = 0
  /** Sent and not among the hours yet. */
  #sentBytes = 0
  readonly #settled = new Map<string, UsageCounters>()
  #isDirty = false
  #writing: Promise<void> = Promise.resolve()

  constructor(path: string, clock: Clock = systemClock) {
    this.#path = path
    this.#clock = clock
  }

  /** Reads the file. One that is missing or of no use is replaced, under another id, by the next `flush`. */
  async load(): Promise<void> {
    try {
      const found: unknown = JSON.parse(await readFile(this.#path, 'utf8'))
      if (!isLedgerFile(found)) return
      this.#ledgerId = found.ledgerId
      this.#hours = new Map(Object.entries(found.hours))
      this.#running = found.running
      this.#wal = found.wal
    } catch (error) {
      if (errorCode(error) !== 'ENOENT' && !(error instanceof SyntaxError)) throw error
    }
  }

  /** The process runs from now on, or has since before this one began. `cpuMs` is what it had used before. */
  begin(identity: ProcessIdentity, cpuMs: number | undefined): void {
    const { pid, startTime } = identity
    if (this.#running?.pid === pid && this.#running.startTime === startTime) return
    this.#running = {
      pid,
      startTime,
      atMs: this.#clock.now(),
      ...(cpuMs !== undefined && { cpuMs }),
    }
    this.#markMs = this.#clock.monotonic()
    this.#isDirty = true
  }

  /** Counts what has been used since the last reading. */
  measure({ cpuMs, wal }: Measurement, size: SizeRange): void {
    const running = this.#running
    if (running === undefined) return
    const usedCpuMs = Math.max(0, (cpuMs ?? 0) - (running.cpuMs ?? cpuMs ?? 0))
    const writtenBytes = wal === undefined ? 0 : writtenSince(this.#wal, wal)
    this.#add(running, { cpuMs: usedCpuMs, writtenBytes }, size)
    if (cpuMs !== undefined) running.cpuMs = cpuMs
    if (wal !== undefined) this.#wal = wal
  }

  /** Time up to now does not count: the process was kept from running. */
  skip(): void {
    if (this.#running === undefined) return
    this.#running.atMs = this.#clock.now()
    this.#markMs = this.#clock.monotonic()
    this.#isDirty = true
  }

  /** The process has ended. */
  end(size: SizeRange): void {
    if (this.#running === undefined) return
    this.#add(this.#running, {}, size)
    this.#lastComputeMs = this.#running.computeMs ?? 0
    this.#running = undefined
    this.#markMs = undefined
  }

  /** Compute units × milliseconds of the process that runs, or of the last that has. */
  get runComputeMs(): number {
    return this.#running ? (this.#running.computeMs ?? 0) : this.#lastComputeMs
  }

  /** Bytes have gone to clients. Cheap. */
  countSent(bytes: number): void {
    this.#sentBytes += bytes
  }

  /** Writes the file where something has changed. */
  async flush(): Promise<void> {
    this.#writing = this.#writing.catch(() => undefined).then(async () => this.#write())
    return this.#writing
  }

  /** What is to be collected. All of it is in the file when this resolves. */
  async take(): Promise<UsageSnapshot> {
    this.#addSent()
    const hours = [...this.#hours]
      .filter(([hour, counters]) => !isSame(counters, this.#settled.get(hour)))
      .map(([hour, counters]) => ({ hour, counters: { ...counters } }))
    await this.flush()
    return { ledgerId: this.#ledgerId, hours }
  }

  /** A snapshot has been collected for good: hours to which nothing can be added any more are forgotten. */
  settle(snapshot: UsageSnapshot): void {
    if (snapshot.ledgerId !== this.#ledgerId) return
    for (const { hour, counters } of snapshot.hours) this.#settled.set(hour, counters)
    const now = this.#clock.now()
    const open = hourOf(Math.min(now - hourMs, this.#running?.atMs ?? now))
    for (const [hour, counters] of this.#hours) {
      if (hour >= open || !isSame(counters, this.#settled.get(hour))) continue
      this.#hours.delete(hour)
      this.#settled.delete(hour)
      this.#isDirty = true
    }
  }

  /** Time up to now, with what was used in it. */
  #add(
    running: Running,
    used: { cpuMs?: number; writtenBytes?: number },
    { minComputeUnits, maxComputeUnits }: SizeRange,
  ): void {
    const toMs = this.#clock.now()
    const mark = this.#clock.monotonic()
    const sinceMs = this.#markMs === undefined ? toMs - running.atMs : mark - this.#markMs
    const activeMs = Math.max(0, Math.round(sinceMs))
    const busyUnits = activeMs === 0 ? 0 : (used.cpuMs ?? 0) / activeMs
    const units = Math.min(Math.max(busyUnits, minComputeUnits), maxComputeUnits)
    const computeMs = Math.round(activeMs * units)
    addUsage(this.#hours, { fromMs: toMs - activeMs, toMs }, { ...used, activeMs, computeMs })
    running.atMs = toMs
    running.computeMs = (running.computeMs ?? 0) + computeMs
    this.#markMs = mark
    this.#isDirty = true
  }

  #addSent(): void {
    if (this.#sentBytes === 0) return
    const now = this.#clock.now()
    addUsage(this.#hours, { fromMs: now, toMs: now }, { sentBytes: this.#sentBytes })
    this.#sentBytes = 0
    this.#isDirty = true
  }

  async #write(): Promise<void> {
    this.#addSent()
    if (!this.#isDirty) return
    this.#isDirty = false
    const hours = [...this.#hours].toSorted(([one], [other]) => (one < other ? -1 : 1))
    if (hours.length > maxHours) this.#hours = new Map(hours.slice(-maxHours))
    const file: LedgerFile = {
      ledgerId: this.#ledgerId,
      hours: Object.fromEntries(hours),
      ...(this.#running && { running: this.#running }),
      ...(this.#wal && { wal: this.#wal }),
    }
    try {
      await replaceFile(this.#path, JSON.stringify(file))
    } catch (error) {
      this.#isDirty = true
      throw error
    }
  }
}

function isSame(one: UsageCounters, other: UsageCounters | undefined): boolean {
  return other !== undefined && JSON.stringify(one) === JSON.stringify(other)
}

function isLedgerFile(value: unknown): value is LedgerFile {
  if (typeof value !== 'object' || value === null) return false
  if (!('ledgerId' in value && 'hours' in value)) return false
  return (
    typeof value.ledgerId === 'string' && typeof value.hours === 'object' && value.hours !== null
  )
}

import { setTimeout as delay } from 'node:timers/promises'

import { withCause } from '../lib/cause.ts'
import { AppError, describeError } from '../lib/errors.ts'
import { inTime, late } from '../lib/in-time.ts'
import type { Logger } from '../lib/log.ts'

/** How much of this machine computes may take. */
export interface CapacityLimits {
  /** How many may be awake at once, frozen ones included. */
  maxAwake: number
  /** Memory of the machine that is left to others. */
  minAvailableBytes: number
}

/** A compute that could make room. */
export interface Candidate {
  readonly state: string
  readonly lastActiveAt: Date
  /** Answers `suspended`, or what keeps it awake. */
  suspend(): Promise<unknown>
}

interface HostCapacityOptions {
  limits: CapacityLimits
  candidates: () => readonly Candidate[]
  /** Memory that could be had without taking anything from anybody. */
  availableBytes: () => number
  log: Logger
  queueTimeoutMs?: number
  evictTimeoutMs?: number
}

interface Waiter {
  endpointId: string
  let: () => void
}

/** A client waits for so long, while others are asked to make room. */
const defaultQueueTimeoutMs = 20_000
const pollMs = 100

/** Others are asked meanwhile; whoever answers later still makes room. */
const defaultEvictTimeoutMs = 5_000

/** One that was used just now is not stopped: its next query is likely to come. */
const leastIdleMs = 1_000

/**
 * Who may be awake. A compute that is to start takes a place, first come first served. Where there is
 * none, or the machine is short of memory, the one that was used longest ago and has nothing to do is
 * stopped for it. Where none can be stopped it waits, and is refused after a deadline.
 */
export class HostCapacity {
  readonly #options: HostCapacityOptions
  readonly #awake = new Set<string>()
  readonly #queue: Waiter[] = []
  /** Those that gave no answer when they were asked last: they are asked after all others. */
  readonly #troubled = new WeakSet<Candidate>()
  #isPumping = false
  #evicting: Promise<boolean> | undefined

  constructor(options: HostCapacityOptions) {
    this.#options = options
  }

  get awakeCount(): number {
    return this.#awake.size
  }

  /** Who has waited longest first. */
  get waitingIds(): string[] {
    return this.#queue.map(({ endpointId }) => endpointId)
  }

  get limits(): CapacityLimits {
    return this.#options.limits
  }

  /** Takes a place without being asked: for a compute that runs already. May be repeated. */
  take(endpointId: string): void {
    this.#awake.add(endpointId)
  }

  /** May be repeated. */
  leave(endpointId: string): void {
    this.#awake.delete(endpointId)
  }

  /** Takes a place, or waits for one. Rejects with AppError `host_full`, or with the signal's reason. */
  async admit(endpointId: string, signal: AbortSignal): Promise<void> {
    if (this.#awake.has(endpointId)) return
    if (this.#queue.length === 0 && this.#hasRoom) return this.take(endpointId)
    const { queueTimeoutMs = defaultQueueTimeoutMs } = this.#options
    const abort = new AbortController()
    const admitted = new Promise<void>((resolve) => {
      this.#queue.push({ endpointId, let: resolve })
    })
    void this.#pump()
    const ended = AbortSignal.any([signal, abort.signal])
    const timeout = delay(queueTimeoutMs, 'full' as const, { signal: ended })
    timeout.catch(() => undefined)
    try {
      if ((await Promise.race([admitted, timeout])) === 'full') throw this.#full(queueTimeoutMs)
    } finally {
      abort.abort()
      const place = this.#queue.findIndex((waiter) => waiter.endpointId === endpointId)
      if (place >= 0) this.#queue.splice(place, 1)
    }
  }

  /** Called every so often: stops one compute where the machine is short of memory. Never rejects. */
  async relieve(): Promise<void> {
    if (!this.#isShort || this.#awake.size === 0) return
    await this.#evict()
  }

  get #isShort(): boolean {
    return this.#options.availableBytes() < this.#options.limits.minAvailableBytes
  }

  get #hasRoom(): boolean {
    return this.#awake.size < this.#options.limits.maxAwake && !this.#isShort
  }

  /** Never rejects. */
  async #pump(): Promise<void> {
    if (this.#isPumping) return
    this.#isPumping = true
    while (this.#queue.length > 0) {
      if (this.#hasRoom) {
        const waiter = this.#queue.shift()
        if (waiter === undefined) break
        this.take(waiter.endpointId)
        waiter.let()
      } else if (!(await this.#evict())) await delay(pollMs)
    }
    this.#isPumping = false
  }

  async #evict(): Promise<boolean> {
    this.#evicting ??= this.#evictOne().finally(() => (this.#evicting = undefined))
    return this.#evicting
  }

  /** Answers whether one was stopped. */
  async #evictOne(): Promise<boolean> {
    const before = Date.now() - leastIdleMs
    const rank = (one: Candidate): number => (this.#troubled.has(one) ? 1 : 0)
    const candidates = this.#options
      .candidates()
      .filter(({ state }) => state === 'active' || state === 'frozen')
      .filter(({ lastActiveAt }) => lastActiveAt.getTime() <= before)
      .toSorted(
        (one, other) =>
          rank(one) - rank(other) || one.lastActiveAt.getTime() - other.lastActiveAt.getTime(),
      )
    for (const candidate of candidates) {
      if ((await this.#suspend(candidate)) === 'suspended') return true
    }
    return false
  }

  /** Answers what the candidate does, if it does. Never rejects. */
  async #suspend(candidate: Candidate): Promise<unknown> {
    const { log, evictTimeoutMs = defaultEvictTimeoutMs } = this.#options
    try {
      // Whoever waits for the room is not who stops it.
      const outcome = await withCause({ reason: 'host pressure' }, async () =>
        inTime(candidate.suspend(), evictTimeoutMs),
      )
      if (outcome === late) throw new Error('it did not answer in time')
      this.#troubled.delete(candidate)
      return outcome
    } catch (error) {
      this.#troubled.add(candidate)
      log.warn({ error: describeError(error) }, 'a compute did not make room')
      return undefined
    }
  }

  #full(waitedMs: number): AppError {
    const { maxAwake } = this.#options.limits
    const why = this.#isShort
      ? 'this host is short of memory'
      : `${maxAwake} computes are awake, as many as this host may have (--max-awake)`
    const seconds = Math.round(waitedMs / 1000)
    return new AppError(
      'host_full',
      `the compute could not start within ${seconds} s: ${why}, and all of them are in use; ` +
        'try again later, or suspend one',
    )
  }
}

/** A start takes some 20 MB; what its queries take is another matter, for the limits. */
const bytesPerAwake = 64 * 1024 * 1024
const leastAwake = 16
const leastAvailableBytes = 256 * 1024 * 1024

/** The defaults for a machine: as many as fit when idle, and a thirtieth of it for others. */
export function defaultCapacity(computeBytes: number, totalBytes: number): CapacityLimits {
  return {
    maxAwake: Math.max(leastAwake, Math.floor(computeBytes / bytesPerAwake)),
    minAvailableBytes: Math.min(Math.max(leastAvailableBytes, totalBytes / 30), totalBytes / 8),
  }
}

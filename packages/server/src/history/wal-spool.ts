import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { describeError, errorCode } from '../lib/errors.ts'
import { isThere } from '../lib/files.ts'
import { KeyedLock } from '../lib/keyed-lock.ts'
import type { Logger } from '../lib/log.ts'
import type { Service } from '../lib/service.ts'
import { steadyNow } from '../lib/steady-clock.ts'
import { createDirectoryWalStore, type DirectoryWalStore } from './directory-wal-store.ts'
import type { RemoteWalStore } from './s3-wal-store.ts'
import { WalLedger } from './wal-ledger.ts'
import { inOrder } from './wal-object-name.ts'
import type { WalFile, WalStore } from './wal-store.ts'

/**
 * WAL that is kept elsewhere, without anybody waiting for elsewhere.
 *
 * A file is put into the directory of the pool, as where there is no other place, and is uploaded in
 * the background, those of a line a few at a time in their order. What was uploaded is written down on
 * the pool, so that listing never asks, and the file itself goes once it is old or its line has many.
 * What is not uploaded yet stays, however long that takes.
 *
 * What is removed is written down as well before it goes, and removed there later, before anything else
 * of its line is uploaded; so no crash and no order of events leaves anything behind or forgets anything:
 * - a crash between an upload and its entry: it is uploaded again, to the same effect;
 * - a crash between an entry and the removal of the file: the file goes later;
 * - a removal during an upload: the upload is not written down, and what it has left is removed.
 */
export class WalSpool implements WalStore, Service {
  readonly #local: DirectoryWalStore
  readonly #uploaded: WalLedger
  readonly #removed: WalLedger
  readonly #remote: RemoteWalStore
  readonly #log: Logger
  readonly #keep: LocalBudget
  /** Between what adds, what removes, and what writes down an upload, of one line. */
  readonly #locks = new KeyedLock()
  /** Lines with work, in the order in which it is done. */
  readonly #pending = new Set<string>()
  readonly #stopping = new AbortController()
  #wake = new AbortController()
  #running: Promise<void> | undefined
  /** By line, the oldest first. */
  readonly #failures = new Map<string, Failure>()

  constructor(options: WalSpoolOptions) {
    const { local, uploaded, removed } = spoolParts(options.root)
    this.#local = local
    this.#uploaded = uploaded
    this.#removed = removed
    this.#remote = options.remote
    this.#log = options.log
    this.#keep = options.keep ?? defaultBudget
  }

  async start(): Promise<void> {
    this.#running ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#wake.abort()
    this.#remote.close()
    await this.#running
  }

  async put(line: string, file: WalFile & { path: string }): Promise<void> {
    await this.#locks.run(line, async () => this.#local.put(line, file))
    this.#kick(line)
  }

  async list(line: string): Promise<WalFile[]> {
    // In this order: a file goes from the pool only once it is written down as uploaded.
    const local = await this.#local.list(line)
    return inOrder([...local, ...(await this.#uploaded.list(line))])
  }

  async fetch(line: string, file: WalFile, path: string): Promise<void> {
    try {
      await this.#local.fetch(line, file, path)
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error
      await this.#remote.fetch(line, file, path)
    }
  }

  async remove(line: string, names: readonly string[]): Promise<void> {
    const wanted = new Set(names)
    await this.#locks.run(line, async () => {
      const files = (await this.list(line)).filter(({ name }) => wanted.has(name))
      await this.#forget(line, files)
      await this.#local.remove(
        line,
        files.map(({ name }) => name),
      )
    })
    this.#kick(line)
  }

  async removeLine(line: string): Promise<void> {
    await this.#locks.run(line, async () => {
      await this.#forget(line, await this.list(line))
      await this.#local.removeLine(line)
    })
    this.#kick(line)
  }

  async lines(): Promise<string[]> {
    return [...new Set([...(await this.#local.lines()), ...(await this.#uploaded.lines())])]
  }

  async sweep(): Promise<void> {
    await this.#local.sweep()
  }

  /** For those who look: what has not been uploaded, and why not. */
  async state(): Promise<SpoolState> {
    const waiting = await readWaiting({ local: this.#local, uploaded: this.#uploaded })
    const [failure] = this.#failures.values()
    return { ...waiting, url: this.#remote.url, failure }
  }

  async #forget(line: string, files: readonly WalFile[]): Promise<void> {
    // Also of what has not been uploaded: it may be on its way, or a crash may have forgotten that it was.
    await this.#removed.add(line, files)
    await this.#uploaded.remove(
      line,
      files.map(({ name }) => name),
    )
  }

  #kick(line: string): void {
    this.#pending.add(line)
    this.#wake.abort()
  }

  async #run(): Promise<void> {
    let retryMs = firstRetryMs
    let sweepAt = 0
    while (!this.#stopping.signal.aborted) {
      if (steadyNow() >= sweepAt) {
        // Not all that is due is announced: files grow old, and a crash forgets what was.
        for (const line of await this.#allLines()) this.#pending.add(line)
        sweepAt = steadyNow() + sweepMs
      }
      if (await this.#workOff()) {
        retryMs = firstRetryMs
        await this.#sleep(sweepMs, this.#wake.signal)
      } else {
        await this.#sleep(retryMs, this.#stopping.signal)
        retryMs = Math.min(retryMs * 2, lastRetryMs)
      }
    }
  }

  /** False as soon as one line fails: the others would most likely as well. It is tried last next time. */
  async #workOff(): Promise<boolean> {
    for (const line of this.#pending) {
      if (this.#stopping.signal.aborted) return true
      this.#pending.delete(line)
      try {
        await this.#settle(line)
        this.#reportSuccess(line)
      } catch (error) {
        if (this.#stopping.signal.aborted) return true
        this.#pending.add(line)
        this.#reportFailure(line, error)
        return false
      }
    }
    return true
  }

  async #settle(line: string): Promise<void> {
    const removed = (await this.#removed.list(line)).map(({ name }) => name)
    if (removed.length > 0) {
      await this.#remote.remove(line, removed)
      await this.#locks.run(line, async () => this.#removed.remove(line, removed))
    }
    const waiting = await this.#uploaded.missing(line, await this.#local.list(line))
    for (let from = 0; from < waiting.length; from += uploadsAtOnce) {
      if (this.#stopping.signal.aborted) return
      await this.#upload(line, waiting.slice(from, from + uploadsAtOnce))
    }
    await this.#trimLocal(line)
  }

  /** Those that have arrived are written down, whatever becomes of the others. */
  async #upload(line: string, files: readonly WalFile[]): Promise<void> {
    const pathOf = ({ name }: WalFile): string => this.#local.pathOf(line, name)
    const outcomes = await Promise.allSettled(
      files.map(async (file) => this.#remote.put(line, { ...file, path: pathOf(file) })),
    )
    const arrived = files.filter((_, index) => outcomes[index]?.status === 'fulfilled')
    await this.#locks.run(line, async () => {
      // What was removed meanwhile goes from there next, and is uploaded anew if it was put again.
      await this.#uploaded.add(line, await this.#removed.missing(line, arrived))
    })
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') continue
      const file = files[index]
      // Otherwise removed since it was listed.
      if (file && (await isThere(pathOf(file)))) throw outcome.reason
    }
  }

  /** What is old, and what is more than a line may have, from the oldest on. */
  async #trimLocal(line: string): Promise<void> {
    await this.#locks.run(line, async () => {
      const oldest = Date.now() - this.#keep.ageMs
      let bytes = 0
      const spare = (await this.#local.list(line)).toReversed().filter((file) => {
        bytes += file.bytes
        return bytes > this.#keep.bytes || file.writtenAt.getTime() < oldest
      })
      const waiting = new Set(await this.#uploaded.missing(line, spare))
      await this.#local.remove(
        line,
        spare.filter((file) => !waiting.has(file)).map(({ name }) => name),
      )
    })
  }

  async #allLines(): Promise<string[]> {
    return [...(await this.#removed.lines()), ...(await this.#local.lines())]
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    await delay(ms, undefined, { signal }).catch(() => undefined)
    if (!this.#stopping.signal.aborted) this.#wake = new AbortController()
  }

  #reportFailure(line: string, error: unknown): void {
    const message = describeError(error)
    const level = this.#failures.size === 0 ? 'warn' : 'debug'
    this.#failures.set(line, { since: this.#failures.get(line)?.since ?? new Date(), message })
    this.#log[level](
      { line, error: message },
      'WAL is not uploaded; it stays in the pool until it can be',
    )
  }

  #reportSuccess(line: string): void {
    const failure = this.#failures.get(line)
    this.#failures.delete(line)
    if (failure === undefined || this.#failures.size > 0) return
    this.#log.info({ since: failure.since }, 'WAL is uploaded again')
  }
}

export interface WalSpoolOptions {
  /** The directory of the pool that WAL is kept in where there is no other place. */
  root: string
  remote: RemoteWalStore
  log: Logger
  keep?: LocalBudget
}

/** How much of what was uploaded stays in the pool, of each line. */
export interface LocalBudget {
  bytes: number
  ageMs: number
}

/** What is looked at most: mistakes of the last minutes. */
const defaultBudget: LocalBudget = { bytes: 1024 ** 3, ageMs: 3_600_000 }

/** Segments are small, and what each waits for is mostly the way there and back. */
const uploadsAtOnce = 4
const firstRetryMs = 1_000
const lastRetryMs = 60_000
const sweepMs = 60_000

interface Failure {
  since: Date
  message: string
}

export interface Waiting {
  files: number
  bytes: number
  /** Since when the oldest could have been uploaded. */
  since: Date | undefined
}

export interface SpoolState extends Waiting {
  url: string
  failure: Failure | undefined
}

export function spoolParts(root: string): {
  local: DirectoryWalStore
  uploaded: WalLedger
  removed: WalLedger
} {
  return {
    local: createDirectoryWalStore(root),
    uploaded: new WalLedger(join(root, '.uploaded')),
    removed: new WalLedger(join(root, '.removed')),
  }
}

/** Of what lies in the pool, what has not been written down as uploaded. */
export async function readWaiting({
  local,
  uploaded,
}: Pick<ReturnType<typeof spoolParts>, 'local' | 'uploaded'>): Promise<Waiting> {
  const waiting: WalFile[] = []
  for (const line of await local.lines()) {
    waiting.push(...(await uploaded.missing(line, await local.list(line))))
  }
  const times = waiting.map(({ writtenAt }) => writtenAt.getTime())
  return {
    files: waiting.length,
    bytes: waiting.reduce((sum, { bytes }) => sum + bytes, 0),
    since: times.length === 0 ? undefined : new Date(Math.min(...times)),
  }
}

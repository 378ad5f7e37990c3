/**
 * The daemon's side of the gateway: starts its processes on sockets that they share, replaces one that
 * dies, restarts them one after the other, and ends them.
 */
import { setTimeout as delay } from 'node:timers/promises'

import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { Service } from '../../lib/service.ts'
import type { ControlPlane } from '../control-plane.ts'
import type { PoolAdmin } from '../pool/report.ts'
import type { TlsMaterial } from '../tls.ts'
import type { Channel } from './channel.ts'
import { type ControlPlaneServer, serveControlPlane } from './control-plane-server.ts'
import { combinePoolAdmin } from './pool-admin.ts'
import type {
  DaemonProcedures,
  ListenerMessage,
  Question,
  RetireTerms,
  WorkerConfig,
  WorkerProcedures,
} from './protocol.ts'
import { Rpc } from './rpc.ts'
import type { SharedListener } from './shared-listener.ts'
import type { SiblingReply } from './siblings.ts'

/** A gateway process as its parent has it. */
export interface WorkerProcess {
  pid: number
  channel: Channel
  /** Resolves once the process has ended, however. */
  exited: Promise<void>
  /** Ends it without a word. */
  kill(): void
}

export interface SupervisorOptions {
  controlPlane: ControlPlane
  /** How many processes serve. */
  workers: number
  listeners: readonly SharedListener[]
  config: Omit<WorkerConfig, 'number' | 'slots' | 'logFile'>
  logFile: (slot: number) => string
  /** Starts a process under a number that no living one has. */
  spawn: (number: number) => Promise<WorkerProcess>
  /** Whether a process that an earlier daemon has left has the number. */
  isTaken: (number: number) => Promise<boolean>
  log: Logger
}

/** What the operator sees of a gateway process. */
export interface WorkerReport {
  pid: number
  state: 'serving' | 'draining'
  started_at: string
  sessions: number
  memory_bytes: number
}

interface Running {
  number: number
  slot: number
  process: WorkerProcess
  rpc: Rpc<WorkerProcedures, DaemonProcedures>
  server: ControlPlaneServer
  startedAt: Date
  isRetiring: boolean
}

/** Numbers have a byte in the cancel keys. */
const numbers = 256
const startTimeoutMs = 60_000
const statusTimeoutMs = 5_000
/** One that dies so soon is replaced ever more slowly. */
const quickDeathMs = 10_000
const firstReplaceDelayMs = 100
const maxReplaceDelayMs = 5_000

/**
 * On a restart new processes have the ports already, so the old may take their time: long queries come
 * to their end, and whoever connects, asks and leaves notices nothing.
 */
const restartTerms: RetireTerms = { settleMs: 5_000, graceMs: 600_000 }
/** When the platform stops. Beyond the grace each tells its clients and has two seconds to go. */
const stopTerms: RetireTerms = { settleMs: 0, graceMs: 10_000 }
const stopTimeoutMs = 15_000

export class Supervisor implements Service {
  readonly #options: SupervisorOptions
  #tls: TlsMaterial
  readonly #running = new Set<Running>()
  /** Who serves, by slot; a dead one stays until it is replaced. */
  readonly #serving: Running[] = []
  /** Their numbers, planned ones included. */
  readonly #slots: number[] = []
  readonly #stopping = new AbortController()
  #lastNumber = numbers - 1
  #restarting: Promise<void> | undefined
  #quickDeaths = 0

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.#tls = options.config.tls
  }

  /** Rejects, with nothing left running, where a process cannot be started. */
  async start(): Promise<void> {
    for (let slot = 0; slot < this.#options.workers; slot++) {
      this.#slots[slot] = await this.#nextNumber()
    }
    const starts = await Promise.allSettled(
      this.#slots.map(async (number, slot) => this.#launch(number, slot)),
    )
    const failed = starts.find((one) => one.status === 'rejected')
    if (failed) {
      await this.stop()
      throw failed.reason
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    const running = [...this.#running]
    for (const one of running) this.#retire(one, stopTerms)
    await Promise.all(running.map(async (one) => this.#waitForExit(one)))
  }

  /** One process after the other is replaced; resolves when all new ones serve. The old end by themselves. */
  async restart(): Promise<void> {
    this.#restarting ??= this.#restartAll().finally(() => {
      this.#restarting = undefined
    })
    return this.#restarting
  }

  /** Has all processes take another certificate, those to come included. */
  async reloadCertificates(material: TlsMaterial): Promise<void> {
    this.#tls = material
    const running = [...this.#running]
    await Promise.all(
      running.map(async ({ rpc }) => {
        await rpc.call('reloadCertificates', material, statusTimeoutMs).catch((error: unknown) => {
          // One that has ended is replaced by one that has it.
          if (!rpc.isClosed) throw error
        })
      }),
    )
  }

  async workers(): Promise<WorkerReport[]> {
    const reports = await Promise.all(
      [...this.#running].map(async (one): Promise<WorkerReport[]> => {
        const status = await one.rpc
          .call('status', undefined, statusTimeoutMs)
          // It has just ended, or is too busy to say.
          .catch(() => undefined)
        if (status === undefined) return []
        return [
          {
            pid: one.process.pid,
            state: one.isRetiring ? 'draining' : 'serving',
            started_at: one.startedAt.toISOString(),
            sessions: status.sessions,
            memory_bytes: status.memoryBytes,
          },
        ]
      }),
    )
    return reports.flat()
  }

  /** The pools of all processes. */
  poolAdmin(): PoolAdmin {
    return combinePoolAdmin(async (question, timeoutMs) => this.#askAll(question, timeoutMs))
  }

  async #askAll(question: Question, timeoutMs: number): Promise<SiblingReply[]> {
    const replies = await Promise.all(
      [...this.#running].map(async ({ number, rpc }) => {
        try {
          return [{ number, value: await rpc.call('ask', question, timeoutMs) }]
        } catch (error) {
          if (rpc.isClosed) return []
          throw error
        }
      }),
    )
    return replies.flat()
  }

  async #restartAll(): Promise<void> {
    for (let slot = 0; slot < this.#options.workers; slot++) {
      await this.#launch(await this.#nextNumber(), slot)
    }
  }

  /** Starts a process and gives it the slot; who had it, if alive, retires. */
  async #launch(number: number, slot: number): Promise<void> {
    const { controlPlane, log, spawn } = this.#options
    const process = await spawn(number)
    const server = serveControlPlane(controlPlane)
    const rpc = new Rpc<WorkerProcedures, DaemonProcedures>(process.channel, {
      ours: server.procedures,
      closedError: () => new Error(`gateway process ${process.pid} has ended`),
    })
    const startedAt = new Date()
    const started = { number, slot, process, rpc, server, startedAt, isRetiring: false }
    this.#running.add(started)
    void process.exited.then(() => this.#onExit(started))
    try {
      this.#sendListeners(process.channel)
      const slots = this.#slots.with(slot, number)
      const config = {
        ...this.#options.config,
        tls: this.#tls,
        number,
        slots,
        logFile: this.#options.logFile(slot),
      }
      await rpc.call('start', config, startTimeoutMs)
    } catch (error) {
      process.kill()
      throw new Error('a gateway process did not start', { cause: error })
    }
    if (this.#stopping.signal.aborted) {
      this.#retire(started, stopTerms)
      return
    }
    const before = this.#serving[slot]
    this.#serving[slot] = started
    this.#slots[slot] = number
    for (const one of this.#running) one.rpc.tell('setSlots', this.#slots)
    if (before && this.#running.has(before)) this.#retire(before, restartTerms)
    log.info({ pid: process.pid, number }, 'a gateway process serves')
  }

  #sendListeners(channel: Channel): void {
    for (const { role, host, port, handle } of this.#options.listeners) {
      const message: ListenerMessage = { kind: 'listener', role, host, port }
      channel.send(message, handle)
    }
  }

  #retire(one: Running, terms: RetireTerms): void {
    one.isRetiring = true
    one.rpc.tell('retire', terms)
  }

  async #waitForExit({ process }: Running): Promise<void> {
    const timer = setTimeout(() => process.kill(), stopTimeoutMs)
    await process.exited
    clearTimeout(timer)
  }

  #onExit(ended: Running): void {
    ended.server.close()
    this.#running.delete(ended)
    if (this.#serving[ended.slot] !== ended || this.#stopping.signal.aborted) return
    const { log } = this.#options
    log.error({ pid: ended.process.pid }, 'a gateway process has died; another takes its place')
    const livedMs = Date.now() - ended.startedAt.getTime()
    this.#quickDeaths = livedMs < quickDeathMs ? this.#quickDeaths + 1 : 0
    void this.#replace(ended)
  }

  /** Tries until it succeeds, somebody else has taken the slot, or the platform stops. */
  async #replace(dead: Running): Promise<void> {
    const { log } = this.#options
    const isWanted = (): boolean =>
      this.#serving[dead.slot] === dead && !this.#stopping.signal.aborted
    for (let failures = this.#quickDeaths; isWanted(); failures++) {
      try {
        if (failures > 0) await this.#pauseBefore(failures)
        if (isWanted()) await this.#launch(await this.#nextNumber(), dead.slot)
      } catch (error) {
        log.error({ error: describeError(error) }, 'a gateway process could not be replaced')
      }
    }
  }

  async #pauseBefore(attempt: number): Promise<void> {
    const durationMs = Math.min(firstReplaceDelayMs * 2 ** (attempt - 1), maxReplaceDelayMs)
    const { signal } = this.#stopping
    await delay(durationMs, undefined, { signal }).catch(() => undefined)
  }

  /** Of no process that lives: not of ours, of those planned, nor of those that are left over. */
  async #nextNumber(): Promise<number> {
    const used = new Set([...this.#slots, ...[...this.#running].map(({ number }) => number)])
    for (let tries = 0; tries < numbers; tries++) {
      this.#lastNumber = (this.#lastNumber + 1) % numbers
      const isFree = !used.has(this.#lastNumber) && !(await this.#options.isTaken(this.#lastNumber))
      if (isFree) return this.#lastNumber
    }
    throw new Error('too many gateway processes are still serving their last clients')
  }
}

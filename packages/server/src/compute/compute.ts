import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import type { AwakeReason } from '@coppice/api'
import type { Sql } from 'postgres'

import { AppError, describeError, errorCode } from '../lib/errors.ts'
import type { OsUser } from '../lib/exec.ts'
import { KeyedLock } from '../lib/keyed-lock.ts'
import type { Logger } from '../lib/log.ts'
import { describeListening, readActivity } from './activity.ts'
import { CatalogCache } from './catalog-cache.ts'
import { findVerifier, readCatalog, readVerifier } from './catalog.ts'
import {
  configFilePath,
  writeAccessFiles,
  writeConfigFiles,
  writeLimitsFile,
} from './config-files.ts'
import { processTreeCpuMs } from './cpu-time.ts'
import type { Installation } from './installations.ts'
import { endOrphans } from './orphans.ts'
import { readControlFile } from './pg-control.ts'
import { boundLog } from './postgres-log.ts'
import {
  adoptPostmaster,
  findPostmaster,
  type Postmaster,
  type PostmasterOptions,
  startPostmaster,
  stopPostmaster,
} from './postmaster.ts'
import { identifyProcess, sendSignal } from './processes.ts'
import { isFreshClone } from './promote-clone.ts'
import { grantReplication } from './roles.ts'
import { type SessionDetails, type SessionHandle, Sessions } from './sessions.ts'
import { postgresPort } from './settings.ts'
import type { ClusterCatalog, ComputeSpec } from './spec.ts'
import {
  disconnect,
  platformDatabase,
  reloadConfiguration,
  SuperuserConnections,
} from './superuser.ts'
import { endClientSessions } from './suspend.ts'
import { createTokenFunctions } from './token-sessions.ts'
import { UsageLedger } from './usage-ledger.ts'
import { readWalCounter } from './wal-counter.ts'

export type ComputeState = 'idle' | 'starting' | 'active' | 'suspending'

export interface ComputeOptions {
  spec: ComputeSpec
  /** Its own: configuration, log, catalog. */
  directory: string
  socketDirectory: string
  user: OsUser | undefined
  /** The server of a major version; throws AppError where there is none. */
  installationFor: (majorVersion: number) => Installation
  log: Logger
  onStateChange: (state: ComputeState) => void
  /** Called before PostgreSQL is started, not where it is found running. */
  beforeStart: (spec: ComputeSpec) => Promise<void>
}

/** How long a client waits for a wake. Recovery after a crash may go on beyond it, in the background. */
const wakeTimeoutMs = 60_000

/** A fast shutdown writes at most the shared buffers; then an immediate one, paid for by recovery. */
const suspendTimeoutMs = 60_000

/** How old the cached catalog may get while clients are active. */
const catalogMaxAgeMs = 10_000

/** How often what it uses is counted: what is lost where this process and PostgreSQL die at once. */
const measureEveryMs = 5_000

/** How soon background work, such as autovacuum, is looked at again before a suspend. */
const recheckMs = 5_000

/** Waits before each attempt to start a compute that has died. Then it stays idle until it is woken. */
const restartDelaysMs = [0, 250, 1_000, 5_000, 15_000, 60_000]

/**
 * One endpoint's PostgreSQL: idle, starting, active or suspending.
 *
 * At most one transition runs at a time. Whoever wakes it while it starts shares the start; while it
 * suspends, waits and starts it again. A compute that dies while it should be active is started again
 * without being asked: nobody's login may be what starts it, and its catalog has to stay current.
 */
export class Compute {
  #spec: ComputeSpec
  readonly #options: ComputeOptions
  readonly #sessions = new Sessions(Date.now())

  #state: ComputeState = 'idle'
  #postmaster: Postmaster | undefined
  #startedAt: Date | undefined
  /** Of the spec, what the postmaster has been told; undefined where that is not known. */
  #toldReadOnly: boolean | undefined
  /** Set while a start runs; it never rejects, and leaves its error behind. */
  #starting: Promise<void> | undefined
  #startError: Error | undefined
  /** Set while a suspend runs. */
  #stopping: Promise<AwakeReason[]> | undefined
  /** Set while it must not be woken. */
  #held: Promise<void> | undefined
  readonly #ending = new AbortController()

  /** Of the running postmaster; those of one that has died are closed with it. */
  #connections: SuperuserConnections
  #superuserUses = 0
  readonly #accessLock = new KeyedLock()
  /** Whether the postmaster may not have read who may log in: one that was found running, for one. */
  #isAccessStale = true
  readonly #catalog: CatalogCache
  #catalogCheckedMs = 0
  /** What it uses, for whoever collects it. */
  readonly usage: UsageLedger
  #measuredMs = 0
  #walReadMs = 0
  #notBeforeMs = 0
  #isTicking = false

  constructor(options: ComputeOptions) {
    this.#options = options
    this.#spec = options.spec
    this.#catalog = new CatalogCache(join(options.directory, 'catalog.json'))
    this.usage = new UsageLedger(join(options.directory, 'usage.json'))
    this.#connections = new SuperuserConnections(options.socketDirectory)
  }

  get spec(): ComputeSpec {
    return this.#spec
  }

  get state(): ComputeState {
    return this.#state
  }

  get pid(): number | undefined {
    return this.#postmaster?.pid
  }

  get startedAt(): Date | undefined {
    return this.#startedAt
  }

  get lastActiveAt(): Date {
    return new Date(this.#sessions.lastActiveMs)
  }

  get sessionCount(): number {
    return this.#sessions.count
  }

  get logFile(): string {
    return join(this.#options.directory, 'postgres.log')
  }

  /** Most of a new spec takes effect at the next start; the suspend timeout and the limits at once. */
  async setSpec(spec: ComputeSpec): Promise<void> {
    this.#spec = spec
    await this.#tellLimits()
  }

  /**
   * Finds out what goes on, after this process has started, and takes over a running postmaster. Answers
   * `cut off` for a cluster that was stopped in the middle of its work, by a power cut perhaps: its
   * catalog file may be out of date, and only `recover` can tell. Never rejects.
   */
  async load(): Promise<'running' | 'cut off' | 'stopped'> {
    try {
      await this.#catalog.load()
      await this.usage.load()
      if (await findPostmaster(this.#spec.dataDirectory, this.#configFile)) {
        // Milliseconds, unless it is in the middle of its own start.
        void this.#ensureStarting()
        await this.#waitForStart(wakeTimeoutMs)
        // Else it was about to die when it was found.
        if (this.#state !== 'idle') return 'running'
      }
      return (await this.#wasCutOff()) ? 'cut off' : 'stopped'
    } catch (error) {
      // A branch that is being made: its endpoint is known before its data is there.
      if (errorCode(error) !== 'ENOENT') this.#warn(error)
      return 'stopped'
    }
  }

  /** Starts a cluster that was cut off, so that its catalog is current again. Never rejects. */
  async recover(): Promise<void> {
    const mayRun = !this.#spec.disabled && this.#spec.blockedBecause === ''
    if (mayRun && this.#state === 'idle') await this.#ensureStarting(restartDelaysMs)
  }

  /**
   * Makes the compute accept connections. Rejects with AppError: `endpoint_disabled`, `quota_exceeded`,
   * `compute_start_failed`, `pool_full`.
   */
  async wake(): Promise<{ socketPath: string }> {
    this.#sessions.noteActivity()
    const postmaster = await this.#ensureActive()
    return { socketPath: `${postmaster.socketDirectory}/.s.PGSQL.${postgresPort}` }
  }

  /**
   * Stops the compute, unless something keeps it awake: then answers what. `force` stops it in any case
   * and ends the sessions on it. Clean either way: no recovery at the next start.
   */
  async suspend({ force = false } = {}): Promise<'suspended' | AwakeReason[]> {
    await this.#starting
    await this.#stopping?.catch(() => undefined)
    if (this.#state !== 'active') return 'suspended'
    this.#stopping ??= this.#suspend(force).finally(() => (this.#stopping = undefined))
    const reasons = await this.#stopping
    // Whoever was before us may have been told to leave it running.
    if (reasons.length > 0 && force) return this.suspend({ force })
    return reasons.length > 0 ? reasons : 'suspended'
  }

  /**
   * Stops it and runs `work` while nothing can wake it; whoever wants it meanwhile waits, and wakes it
   * after. Its data directory may be exchanged then.
   */
  async whileStopped<T>(work: () => Promise<T>): Promise<T> {
    while (this.#held) await this.#held
    let release = (): void => undefined
    this.#held = new Promise<void>((resolve) => (release = resolve))
    try {
      await this.suspend({ force: true })
      return await work()
    } finally {
      this.#held = undefined
      release()
    }
  }

  async restart(): Promise<void> {
    await this.suspend({ force: true })
    await this.wake()
  }

  /** What keeps it awake, now; nothing where it is not active, or does not answer. */
  async activity(): Promise<AwakeReason[]> {
    if (this.#state !== 'active') return []
    try {
      return (await this.#readActivity()).reasons
    } catch (error) {
      // It goes to sleep meanwhile, or has died.
      if (this.#state === 'active') this.#warn(error)
      return []
    }
  }

  openSession(details: SessionDetails): SessionHandle {
    return this.#sessions.open(details)
  }

  /** Wakes the compute where it is idle. */
  async socketDirectory(): Promise<string> {
    return (await this.#ensureActive()).socketDirectory
  }

  /** Wakes the compute where it is idle. Many may use it at once; each waits for its turn. */
  async withSuperuser<T>(database: string, work: (sql: Sql) => Promise<T>): Promise<T> {
    await this.#ensureActive()
    this.#superuserUses += 1
    try {
      return await this.#connections.withSuperuser(database, work)
    } finally {
      this.#superuserUses -= 1
      this.#sessions.noteActivity()
    }
  }

  /**
   * Lets the platform log in as the roles that tokens are for, and gives sessions in a database what
   * answers their claims, which are sealed with `key`. May be repeated.
   */
  async prepareTokens(database: string, key: Buffer): Promise<void> {
    await this.#ensureActive()
    await this.#accessLock.run('access', async () => this.#refreshAccess())
    await this.withSuperuser(database, async (sql) => createTokenFunctions(sql, key))
  }

  /**
   * For looking, not for working: neither wakes the compute nor counts as activity. Undefined where the
   * compute is not active.
   */
  async peek<T>(work: (sql: Sql) => Promise<T>): Promise<T | undefined> {
    if (this.#state !== 'active') return undefined
    return this.#look(work)
  }

  /** A connection of its own to the platform's database, which keeps the compute awake until it is closed. */
  async openSuperuser(): Promise<{ sql: Sql; close(): Promise<void> }> {
    await this.#ensureActive()
    const sql = this.#connections.connect()
    this.#superuserUses += 1
    let isOpen = true
    return {
      sql,
      close: async () => {
        if (!isOpen) return
        isOpen = false
        this.#superuserUses -= 1
        await disconnect(sql)
      },
    }
  }

  /** The role's SCRAM verifier, without waking the compute. Undefined where the role cannot log in. */
  async verifier(role: string): Promise<string | undefined> {
    // Never read yet, as after a recovered branch was registered anew: its start will tell.
    if (this.#catalog.current.roles.length === 0) await this.#starting
    if (this.#state === 'active') {
      try {
        return await this.#look(async (sql) => readVerifier(sql, role))
      } catch (error) {
        // It is on its way down; what it last knew has to do.
        this.#warn(error)
      }
    }
    return findVerifier(this.#catalog.current, role)
  }

  /** Roles and databases: read anew where the compute is active, as last known where it is not. */
  async catalog(): Promise<ClusterCatalog> {
    if (this.#state === 'active') {
      // One that is on its way down, or has died, does not answer; what it last told has to do.
      await this.#refreshCatalog().catch((error: unknown) => this.#warn(error))
    }
    return this.#catalog.current
  }

  /** What a new branch inherits from its parent, before it has run. */
  async seedCatalog(catalog: ClusterCatalog): Promise<void> {
    await this.#catalog.update(catalog)
  }

  /** Called every so often: keeps the catalog current and suspends what is idle. Never rejects. */
  async tick(): Promise<void> {
    if (this.#isTicking || this.#isEnding || this.#state !== 'active') return
    this.#isTicking = true
    const postmaster = this.#postmaster
    try {
      await boundLog(this.logFile)
      // They may have changed while it started.
      await this.#tellLimits()
      if (Date.now() - this.#measuredMs >= measureEveryMs) await this.#measureUsage()
      const hasChanged = this.#sessions.lastActiveMs >= this.#catalogCheckedMs
      if (hasChanged && Date.now() - this.#catalogCheckedMs >= catalogMaxAgeMs) {
        await this.#refreshCatalog()
      }
      await this.#suspendWhenIdle()
    } catch (error) {
      // One that is being stopped, or has died, does not answer: that is told elsewhere.
      const isUp = this.#state === 'active' && this.#postmaster === postmaster
      if (isUp && !this.#isEnding) this.#warn(error)
    } finally {
      this.#isTicking = false
    }
  }

  /** Gives up what this process holds, and leaves the compute as it is. May be called twice. */
  async release(): Promise<void> {
    this.#ending.abort()
    await this.#settled()
    await this.#connections.close()
    await this.usage.flush().catch((error: unknown) => this.#warn(error))
  }

  /** Stops it at once, without a checkpoint: its data is about to be deleted. May be called twice. */
  async destroy(): Promise<void> {
    this.#ending.abort()
    await this.#kill()
    await this.#settled()
    await this.#connections.close()
    // A start may have been past the point where the first look found it.
    await this.#kill()
    this.#setState('idle')
    await rm(this.#options.socketDirectory, { recursive: true, force: true })
  }

  /** Rejects with AppError `quota_exceeded` where it may not run at the moment. */
  requireUnblocked(): void {
    const { endpointId, blockedBecause } = this.#spec
    if (blockedBecause === '') return
    throw new AppError(
      'quota_exceeded',
      `endpoint ${endpointId} stays suspended: ${blockedBecause}`,
    )
  }

  get #isEnding(): boolean {
    return this.#ending.signal.aborted
  }

  async #settled(): Promise<void> {
    await this.#starting
    await this.#stopping?.catch(() => undefined)
  }

  get #configFile(): string {
    return configFilePath(this.#options.directory)
  }

  async #ensureActive(): Promise<Postmaster> {
    if (this.#spec.disabled) {
      throw new AppError('endpoint_disabled', `endpoint ${this.#spec.endpointId} is disabled`)
    }
    this.requireUnblocked()
    const deadline = performance.now() + wakeTimeoutMs
    for (;;) {
      while (this.#held) await this.#held
      if (this.#state === 'active' && this.#postmaster) return this.#postmaster
      void this.#ensureStarting()
      await this.#waitForStart(deadline - performance.now())
    }
  }

  /** Resolves when the start that is going on has succeeded; it goes on past the timeout. */
  async #waitForStart(timeoutMs: number): Promise<void> {
    const abort = new AbortController()
    const timeout = delay(timeoutMs, 'timeout' as const, { signal: abort.signal, ref: true })
    timeout.catch(() => undefined)
    try {
      if ((await Promise.race([this.#starting, timeout])) === 'timeout') {
        throw new AppError('compute_start_failed', 'the compute is still starting; try again soon')
      }
    } finally {
      abort.abort()
    }
    if (this.#startError !== undefined) throw this.#startError
  }

  /** The start that is going on, or a new one, after the suspend that is going on. Never rejects. */
  async #ensureStarting(delays: readonly number[] = [0]): Promise<void> {
    this.#starting ??= this.#startRepeatedly(delays).finally(() => (this.#starting = undefined))
    return this.#starting
  }

  async #startRepeatedly(delays: readonly number[]): Promise<void> {
    this.#startError = undefined
    await this.#stopping?.catch(() => undefined)
    // The suspend may have been called off.
    if (this.#state === 'active') return
    for (const delayMs of delays) {
      try {
        if (delayMs > 0) await delay(delayMs, undefined, { signal: this.#ending.signal })
        await this.#start()
        return
      } catch (error) {
        // One that is told to end while it starts fails for that reason, whatever it says.
        if (this.#isEnding) this.#startError = this.#goingAway()
        else this.#startError = error instanceof Error ? error : new Error(String(error))
        this.#options.log.error({ endpoint: this.#spec.endpointId }, describeError(error))
        if (this.#isEnding) break
      }
    }
    this.#setState('idle')
  }

  async #start(): Promise<void> {
    if (this.#isEnding) throw this.#goingAway()
    const startMs = performance.now()
    this.#setState('starting')
    const { postmaster, isAdopted } = await this.#findOrStart()
    this.#postmaster = postmaster
    await this.#beginUsage(postmaster.pid, isAdopted)
    // Where it was adopted, the socket is where its start had put it.
    this.#connections = new SuperuserConnections(postmaster.socketDirectory)
    if (this.#spec.logicalReplication) await this.#grantReplication()
    this.#startedAt = new Date()
    this.#startError = undefined
    // Read with the next tick: not on the way of the first query, which waits for the same processor.
    this.#catalogCheckedMs = 0
    this.#measuredMs = 0
    this.#sessions.noteActivity()
    this.#setState('active')
    void postmaster.exited.then(() => this.#noticeExit(postmaster))
    const ms = Math.round(performance.now() - startMs)
    this.#options.log.info({ endpoint: this.#spec.endpointId, pid: postmaster.pid, ms }, 'active')
  }

  async #findOrStart(): Promise<{ postmaster: Postmaster; isAdopted: boolean }> {
    const { user, directory, socketDirectory, installationFor } = this.#options
    const installation = installationFor(this.#spec.pgVersion)
    const options: PostmasterOptions = {
      binDirectory: installation.binDirectory,
      dataDirectory: this.#spec.dataDirectory,
      configFile: this.#configFile,
      logFile: this.logFile,
      user,
      isStandby: this.#spec.isStandby,
    }
    const adopted = await adoptPostmaster(options)
    this.#toldReadOnly = adopted === undefined ? this.#spec.readOnly : undefined
    if (adopted !== undefined) return { postmaster: adopted, isAdopted: true }
    await this.#options.beforeStart(this.#spec)
    await writeConfigFiles(this.#spec, { directory, socketDirectory, user }, installation)
    return { postmaster: await startPostmaster(options), isAdopted: false }
  }

  /** Each session takes them before its next statement (manual, "Setting Parameters"). */
  async #tellLimits(): Promise<void> {
    const { readOnly } = this.#spec
    const postmaster = this.#postmaster
    if (postmaster === undefined || this.#toldReadOnly === readOnly) return
    await writeLimitsFile(this.#spec, this.#options)
    sendSignal(postmaster.pid, 'SIGHUP')
    this.#toldReadOnly = readOnly
  }

  /** What an adopted one has used so far is not counted, unless the ledger knows it. */
  async #beginUsage(pid: number, isAdopted: boolean): Promise<void> {
    const identity = await identifyProcess(pid)
    if (identity) this.usage.begin(identity, isAdopted ? processTreeCpuMs(pid) : 0)
  }

  /** The WAL is asked of PostgreSQL, so only while somebody uses it anyway. */
  async #measureUsage({ isLast = false } = {}): Promise<void> {
    const postmaster = this.#postmaster
    if (postmaster === undefined) return
    const now = Date.now()
    const isUsed = isLast || this.#sessions.lastActiveMs >= this.#walReadMs
    const wal = isUsed ? await this.#look(readWalCounter) : undefined
    // It may have died, and another been started, while it was asked.
    if (this.#postmaster !== postmaster) return
    if (wal) this.#walReadMs = now
    this.#measuredMs = now
    this.usage.measure({ cpuMs: processTreeCpuMs(postmaster.pid), wal }, this.#spec)
    await this.usage.flush()
  }

  async #endUsage(): Promise<void> {
    this.usage.end(this.#spec)
    // Its directory may be going away; who lets go of it otherwise writes by itself.
    if (this.#isEnding) return
    await this.usage.flush().catch((error: unknown) => this.#warn(error))
  }

  async #refreshAccess(): Promise<void> {
    const { directory, socketDirectory, user } = this.#options
    const isChanged = await writeAccessFiles(this.#spec, { directory, socketDirectory, user })
    this.#isAccessStale ||= isChanged
    if (!this.#isAccessStale) return
    await this.withSuperuser(platformDatabase, reloadConfiguration)
    this.#isAccessStale = false
  }

  /** Its roles may be older than the project's choice. Those who need none are not to suffer for it. */
  async #grantReplication(): Promise<void> {
    await grantReplication(this.#connections).catch((error: unknown) => this.#warn(error))
  }

  /** Runs when the process of a postmaster is gone, expected or not. */
  #noticeExit(postmaster: Postmaster): void {
    if (this.#postmaster !== postmaster) return
    this.#postmaster = undefined
    void this.#endUsage()
    if (this.#stopping || this.#isEnding) return
    this.#options.log.error({ endpoint: this.#spec.endpointId }, 'PostgreSQL has died')
    this.#startAgain()
  }

  #startAgain(): void {
    void this.#connections.close().catch((error: unknown) => this.#warn(error))
    this.#setState('starting')
    void this.#ensureStarting(restartDelaysMs)
  }

  /** Answers nothing when it has stopped, else what keeps it awake. */
  async #suspend(force: boolean): Promise<AwakeReason[]> {
    const beganMs = Date.now()
    const startMs = performance.now()
    this.#setState('suspending')
    try {
      const reasons = force ? [] : (await this.#readActivity()).reasons
      if (reasons.length > 0 || (!force && this.#sessions.lastActiveMs > beganMs)) {
        this.#setState('active')
        return reasons.length > 0 ? reasons : [{ reason: 'in use again' }]
      }
      await this.#endSessions()
    } catch (error) {
      if (!force) {
        if (this.#postmaster) this.#setState('active')
        else this.#startAgain()
        throw error
      }
      // Whatever it cannot tell any more, it can be stopped.
      this.#warn(error)
    }
    await this.#connections.close()
    await this.#stop(suspendTimeoutMs)
    this.#setState('idle')
    const ms = Math.round(performance.now() - startMs)
    this.#options.log.info({ endpoint: this.#spec.endpointId, ms }, 'suspended')
    return []
  }

  /** And reads the catalog after them, so that no change of a password is missed. */
  async #endSessions(): Promise<void> {
    await this.#look(endClientSessions)
    await this.#refreshCatalog()
    await this.#measureUsage({ isLast: true })
  }

  async #stop(fastTimeoutMs: number): Promise<void> {
    const postmaster = this.#postmaster
    if (postmaster === undefined) return
    await stopPostmaster(postmaster.pid, {
      dataDirectory: this.#spec.dataDirectory,
      fastTimeoutMs,
    })
    this.#postmaster = undefined
    this.#startedAt = undefined
    await this.#endUsage()
  }

  async #kill(): Promise<void> {
    const { dataDirectory } = this.#spec
    const running = await findPostmaster(dataDirectory, this.#configFile).catch(() => undefined)
    if (running) await stopPostmaster(running.pid, { dataDirectory, fastTimeoutMs: 0 })
    else await endOrphans(dataDirectory)
  }

  async #suspendWhenIdle(): Promise<void> {
    const timeoutMs = this.#spec.suspendTimeoutSeconds * 1000
    const now = Date.now()
    if (timeoutMs < 0 || now < this.#notBeforeMs) return
    if (now - this.#sessions.lastActiveMs < timeoutMs) return
    const { reasons, lastChangeMs } = await this.#readActivity()
    if (lastChangeMs !== undefined) this.#sessions.noteActivity(lastChangeMs)
    if (reasons.length > 0) {
      // A session that works is activity; for work of the cluster's own it is enough to look again.
      if (reasons.some((one) => one.role !== undefined)) this.#sessions.noteActivity()
      this.#notBeforeMs = now + Math.min(timeoutMs, recheckMs)
      return
    }
    // What a shutdown has to write is written while it can still be called off.
    await this.#look(async (sql) => sql`checkpoint`)
    if (Date.now() - this.#sessions.lastActiveMs >= timeoutMs) await this.suspend()
  }

  async #readActivity(): Promise<{ reasons: AwakeReason[]; lastChangeMs: number | undefined }> {
    const own: AwakeReason[] = this.#sessions.listening().map(describeListening)
    if (this.#superuserUses > 0) own.push({ reason: 'in use by the platform' })
    if (this.#spec.suspendTimeoutSeconds < 0) own.push({ reason: 'never suspends' })
    const server = await this.#look(readActivity)
    return { reasons: [...own, ...server.reasons], lastChangeMs: server.lastChangeMs }
  }

  /** Without waking it, and without counting as a use that keeps it awake. */
  async #look<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    return this.#connections.withSuperuser(platformDatabase, work)
  }

  async #refreshCatalog(): Promise<void> {
    this.#catalogCheckedMs = Date.now()
    const catalog = await this.#look(readCatalog)
    if (!this.#isEnding) await this.#catalog.update(catalog)
  }

  /** Neither stopped cleanly nor a clone that has never run. */
  async #wasCutOff(): Promise<boolean> {
    if (isFreshClone(this.#spec.dataDirectory)) return false
    return (await readControlFile(this.#spec.dataDirectory)).state !== 'shut down'
  }

  #goingAway(): AppError {
    return new AppError('endpoint_not_found', `endpoint ${this.#spec.endpointId} is going away`)
  }

  #warn(error: unknown): void {
    this.#options.log.warn({ endpoint: this.#spec.endpointId }, describeError(error))
  }

  #setState(state: ComputeState): void {
    if (this.#state === state) return
    this.#state = state
    this.#options.onStateChange(state)
  }
}

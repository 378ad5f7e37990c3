import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import type { AwakeReason } from '@coppice/api'
import type { Sql } from 'postgres'

import { type Cause, currentCause, withCause } from '../lib/cause.ts'
import { AppError, describeError, errorCode } from '../lib/errors.ts'
import type { OsUser } from '../lib/exec.ts'
import { inTime, late } from '../lib/in-time.ts'
import { KeyedLock } from '../lib/keyed-lock.ts'
import type { Logger } from '../lib/log.ts'
import { steadyDate, steadyNow } from '../lib/steady-clock.ts'
import { describeClient, describeListening, describeUse, readActivity } from './activity.ts'
import type { HostCapacity } from './capacity.ts'
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
import { childrenOf, identifyProcess, sendSignal } from './processes.ts'
import { isFreshClone } from './promote-clone.ts'
import { grantReplication } from './roles.ts'
import { type OpenSession, type SessionDetails, type SessionHandle, Sessions } from './sessions.ts'
import { postgresPort, renderLimitsConf } from './settings.ts'
import type { Place, SizedCompute } from './sized-compute.ts'
import type { ClusterCatalog, ComputeSpec } from './spec.ts'
import { diskFull, poolIsFull } from './start-failure.ts'
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

/** A frozen compute is active to everybody who uses it: it goes on within milliseconds. */
export type ComputeState = 'idle' | 'starting' | 'active' | 'frozen' | 'suspending'

export interface ComputeOptions {
  spec: ComputeSpec
  /** Its own: configuration, log, catalog. */
  directory: string
  socketDirectory: string
  user: OsUser | undefined
  /** The server of a major version; throws AppError where there is none. */
  installationFor: (majorVersion: number) => Installation
  log: Logger
  /** Of a freeze once it has worked; of a thaw unless it is only to end. */
  onStateChange: (state: ComputeState, former: ComputeState) => void
  /** Told again and again while it does not sleep although its suspend timeout has passed since it woke or was thawed. */
  onKeptAwake: (reasons: readonly AwakeReason[]) => void
  /** The compute whose processors and memory an endpoint has, or divides with others. */
  sizeFor: (spec: ComputeSpec) => SizedCompute
  /** Who may be awake on this host. */
  capacity: Pick<HostCapacity, 'admit' | 'take' | 'leave'>
  /** How long it is idle before it is frozen, where the host can; undefined for never. */
  freezeAfterMs: number | undefined
  /** Called before PostgreSQL is started, not where it is found running. */
  beforeStart: (spec: ComputeSpec) => Promise<void>
}

/** Of time alone. */
const noMeasurement = { cpuMs: undefined, wal: undefined }

/** How long a client waits for a wake. Recovery after a crash may go on beyond it, in the background. */
const wakeTimeoutMs = 60_000

/** A fast shutdown writes at most the shared buffers; then an immediate one, paid for by recovery. */
const suspendTimeoutMs = 60_000

/**
 * One whose processes were stopped by somebody, or wait for a disk, does not answer. Asked whether it may
 * sleep, it stays; told to end its sessions, signals have to do.
 */
const activityTimeoutMs = 10_000
const endSessionsTimeoutMs = 20_000

/** How old the cached catalog may get while clients are active. */
const catalogMaxAgeMs = 10_000

/** How often what it uses is counted: what is lost where this process and PostgreSQL die at once. */
const measureEveryMs = 5_000

/** How soon background work, such as autovacuum, is looked at again before a suspend. */
const recheckMs = 5_000

/** How often it is told what keeps it awake, and of how many sessions. */
const keptAwakeEveryMs = 60_000
const maxUsersTold = 10

/** Before a freeze that has failed is tried again. */
const refusedFreezeMs = 60_000

/**
 * Waits before each attempt to start a compute that has died: of the first ones nobody is told who waits
 * for it, since what a killed PostgreSQL leaves is in the way for a moment. After the last it is idle until
 * it is woken.
 */
const firstRestartDelaysMs = [0, 250, 1_000]
const laterRestartDelaysMs = [5_000, 15_000, 60_000]

/**
 * One endpoint's PostgreSQL: idle, starting, active, frozen or suspending.
 *
 * At most one transition runs at a time. Whoever wakes it while it starts shares the start; while it
 * suspends, waits and starts it again. A compute that dies while it should be active is started again
 * without being asked: nobody's login may be what starts it, and its catalog has to stay current.
 *
 * A frozen one has all its processes stopped where they are. What it had committed is on disk, and
 * nothing asks it: whoever needs an answer thaws it first, what a client sends on an open session does
 * so as well, and what only looks is told what was known before. Whatever ends it thaws it first, since
 * a stopped process cannot end.
 */
export class Compute {
  #spec: ComputeSpec
  readonly #options: ComputeOptions
  readonly #sessions = new Sessions(steadyNow)

  #state: ComputeState = 'idle'
  #postmaster: Postmaster | undefined
  #startedAt: Date | undefined
  /** The settings that the postmaster has been told while it runs; undefined where that is not known. */
  #toldLimits: string | undefined
  #size: SizedCompute
  /** In its compute, while it starts and runs. */
  #place: Place | undefined
  /** Set while a start runs; it never rejects, and leaves its error behind. */
  #starting: Promise<void> | undefined
  #startError: Error | undefined
  /** Of who starts it again after it has died, until it is told to sleep. */
  #patience: AbortController | undefined
  /** Set while a suspend runs. */
  #stopping: Promise<AwakeReason[]> | undefined
  /** Set while it must not be woken. */
  #held: Promise<void> | undefined
  /** Set while it is being frozen: then it is either frozen or active. */
  #freezing: Promise<void> | undefined
  #thawing: Promise<void> | undefined
  /** Questions of the platform that are being answered. */
  #looks = 0
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
  /** When it was last started or thawed. */
  #awakeSinceMs = 0
  #keptAwakeToldMs = 0
  /** What of the platform's own work has used it last. */
  #platformUse: { cause: Cause; atMs: number } | undefined

  constructor(options: ComputeOptions) {
    this.#options = options
    this.#spec = options.spec
    this.#size = options.sizeFor(options.spec)
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

  /** By `steadyNow()`. */
  get lastActiveMs(): number {
    return this.#sessions.lastActiveMs
  }

  get lastActiveAt(): Date {
    return steadyDate(this.#sessions.lastActiveMs)
  }

  get sessionCount(): number {
    return this.#sessions.count
  }

  /** Open sessions of clients, the one that was active last first. */
  get sessions(): OpenSession[] {
    return this.#sessions.list()
  }

  /** The platform's own work that has used it last; when is by `steadyNow()`. */
  get platformUse(): { cause: Cause; atMs: number } | undefined {
    return this.#platformUse
  }

  get logFile(): string {
    return join(this.#options.directory, 'postgres.log')
  }

  /** The compute that it runs in. */
  get size(): SizedCompute {
    return this.#size
  }

  /** Most of a new spec takes effect at the next start; the suspend timeout, the size and the limits at once. */
  async setSpec(spec: ComputeSpec): Promise<void> {
    this.#spec = spec
    const { minComputeUnits: min, maxComputeUnits: max } = spec
    const size = this.#options.sizeFor(spec)
    await size.setBounds({ min, max })
    if (size !== this.#size) await this.#moveTo(size)
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
    while (this.#held) await this.#held
    const mayRun = !this.#spec.disabled && this.#spec.blockedBecause === ''
    if (mayRun && this.#state === 'idle') await this.#startPatiently()
  }

  /**
   * Makes the compute accept connections. Rejects with AppError: `endpoint_disabled`, `quota_exceeded`,
   * `compute_start_failed`, `pool_full`, `host_full`.
   */
  async wake(): Promise<{ socketPath: string }> {
    this.#sessions.noteActivity()
    return socketOf(await this.#ensureActive())
  }

  /**
   * The same for who is not to wake it and does not count as activity. Rejects with AppError `wake_refused`
   * where it sleeps or is about to, and where it is frozen.
   */
  async joinIfAwake(): Promise<{ socketPath: string }> {
    const isUp = this.#state === 'active' || this.#state === 'starting'
    if (!isUp || this.#held) {
      const asleep = this.#state === 'frozen' ? 'frozen' : 'suspended'
      throw new AppError(
        'wake_refused',
        `endpoint ${this.#spec.endpointId} is ${asleep}, and this connection is not to wake it`,
      )
    }
    return socketOf(await this.#ensureActive())
  }

  /**
   * Stops the compute, unless something keeps it awake: then answers what. `force` stops it in any case
   * and ends the sessions on it. Clean either way: no recovery at the next start.
   */
  async suspend({ force = false } = {}): Promise<'suspended' | AwakeReason[]> {
    // One that dies while it is to be suspended is started again.
    do {
      this.#patience?.abort()
      await this.#settled()
      await this.#thaw({ toEnd: true })
    } while (this.#starting || this.#stopping)
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
    const handle = this.#sessions.open(details)
    return {
      ...handle,
      touch: (user) => {
        handle.touch(user)
        if (this.#state === 'frozen') this.#thawFor({ ...details, ...user })
      },
    }
  }

  /** The bytes of a client, also of one that is not to keep it awake, lie before a process that does not run. */
  #thawFor(client: SessionDetails): void {
    const via = client.pooled === true ? 'pooled' : 'direct'
    withCause({ reason: 'client', ...describeClient(client), via }, () => {
      this.#thaw().catch((error: unknown) => this.#warn(error))
    })
  }

  /** Wakes the compute where it is idle. */
  async socketDirectory(): Promise<string> {
    return (await this.#ensureActive()).socketDirectory
  }

  /** Wakes the compute where it is idle. Many may use it at once; each waits for its turn. */
  async withSuperuser<T>(database: string, work: (sql: Sql) => Promise<T>): Promise<T> {
    // From the start: nothing may freeze it between its wake and the question.
    this.#superuserUses += 1
    try {
      await this.#ensureActive()
      return await this.#connections.withSuperuser(database, work)
    } catch (error) {
      throw errorCode(error) === diskFull ? poolIsFull(error) : error
    } finally {
      this.#superuserUses -= 1
      this.#sessions.noteActivity()
      this.#platformUse = { cause: currentCause() ?? { reason: 'platform' }, atMs: steadyNow() }
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
  async peek<T>(
    work: (sql: Sql) => Promise<T>,
    database = platformDatabase,
  ): Promise<T | undefined> {
    if (this.#state !== 'active') return undefined
    return this.#look(work, database)
  }

  /** A connection of its own to the platform's database, which keeps the compute awake until it is closed. */
  async openSuperuser(): Promise<{ sql: Sql; close(): Promise<void> }> {
    this.#superuserUses += 1
    let isOpen = true
    const letGo = (): void => {
      if (isOpen) this.#superuserUses -= 1
      isOpen = false
    }
    try {
      await this.#ensureActive()
    } catch (error) {
      letGo()
      throw error
    }
    const sql = this.#connections.connect()
    return {
      sql,
      close: async () => {
        letGo()
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

  /** Called every so often: keeps the catalog current, and freezes and suspends what is idle. Never rejects. */
  async tick(): Promise<void> {
    if (this.#isTicking || this.#isEnding || !isActive(this.#state)) return
    this.#isTicking = true
    const postmaster = this.#postmaster
    try {
      if (this.#state === 'frozen') {
        if (this.#isTimeToSuspend) await this.suspend()
        return
      }
      this.#tellOfUse()
      await boundLog(this.logFile)
      // They may have changed while it started.
      await this.#tellLimits()
      if (steadyNow() - this.#measuredMs >= measureEveryMs) await this.#measureUsage()
      const hasChanged = this.#sessions.lastActiveMs >= this.#catalogCheckedMs
      if (hasChanged && steadyNow() - this.#catalogCheckedMs >= catalogMaxAgeMs) {
        await this.#refreshCatalog()
      }
      await this.#suspendWhenIdle()
      await this.#freezeWhenIdle()
    } catch (error) {
      // One that is being stopped, or has died, does not answer: that is told elsewhere.
      const isStillUp = this.#state === 'active' && this.#postmaster === postmaster
      if (isStillUp && !this.#isEnding) this.#warn(error)
    } finally {
      this.#isTicking = false
    }
  }

  /** Gives up what this process holds, and leaves the compute as it is. May be called twice. */
  async release(): Promise<void> {
    this.#ending.abort()
    await this.#settled()
    // Nobody would be there to let it go on when its clients want it.
    await this.#thaw()
    await this.#connections.close()
    await this.usage.flush().catch((error: unknown) => this.#warn(error))
  }

  /** Stops it at once, without a checkpoint: its data is about to be deleted. May be called twice. */
  async destroy(): Promise<void> {
    this.#ending.abort()
    await this.#thaw({ toEnd: true })
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

  /** The postmaster, where it is active. */
  get #running(): Postmaster | undefined {
    return this.#state === 'active' ? this.#postmaster : undefined
  }

  async #ensureActive(): Promise<Postmaster> {
    if (this.#spec.disabled) {
      throw new AppError('endpoint_disabled', `endpoint ${this.#spec.endpointId} is disabled`)
    }
    this.requireUnblocked()
    const deadline = performance.now() + wakeTimeoutMs
    for (;;) {
      while (this.#held) await this.#held
      await this.#thaw()
      // By the next one who has waited, in the meantime.
      if (this.#held) continue
      if (this.#running !== undefined) return this.#running
      void this.#ensureStarting()
      await this.#waitForStart(deadline - performance.now())
    }
  }

  /** Resolves when the start that is going on has succeeded; it goes on past the timeout. */
  async #waitForStart(timeoutMs: number): Promise<void> {
    if ((await inTime(Promise.resolve(this.#starting), timeoutMs)) === late) {
      throw new AppError('compute_start_failed', 'the compute is still starting; try again soon')
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
    if (this.#running !== undefined) return
    for (const delayMs of delays) {
      try {
        if (delayMs > 0) await delay(delayMs, undefined, { signal: this.#ending.signal })
        await this.#start()
        return
      } catch (error) {
        // One that is told to end while it starts fails for that reason, whatever it says.
        if (this.#isEnding) {
          this.#startError = this.#goingAway()
          break
        }
        this.#startError = error instanceof Error ? error : new Error(String(error))
        this.#options.log.error({ endpoint: this.#spec.endpointId }, describeError(error))
        if (this.#patience?.signal.aborted === true) break
      }
    }
    this.#setState('idle')
  }

  /**
   * Tries again and again, later each time. Whoever wakes it in between has an attempt at once, and is told
   * why that failed. Never rejects.
   */
  async #startPatiently(): Promise<void> {
    this.#patience?.abort()
    this.#patience = new AbortController()
    const signal = AbortSignal.any([this.#patience.signal, this.#ending.signal])
    await this.#ensureStarting(firstRestartDelaysMs)
    for (const delayMs of laterRestartDelaysMs) {
      if (signal.aborted || isActive(this.#state)) return
      await delay(delayMs, undefined, { signal }).catch(() => undefined)
      if (signal.aborted || isActive(this.#state)) return
      await this.#ensureStarting()
    }
  }

  async #start(): Promise<void> {
    if (this.#isEnding) throw this.#goingAway()
    const startMs = performance.now()
    this.#setState('starting')
    await this.#place?.leave()
    const place = await this.#takePlace()
    const { postmaster, isAdopted } = await this.#findOrStart(place)
    this.#postmaster = postmaster
    await this.#beginUsage(postmaster.pid, isAdopted)
    await place.started()
    // Where it was adopted, the socket is where its start had put it.
    this.#connections = new SuperuserConnections(postmaster.socketDirectory)
    if (this.#spec.logicalReplication) await this.#grantReplication()
    this.#startedAt = new Date()
    this.#awakeSinceMs = steadyNow()
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

  async #takePlace(): Promise<Place> {
    const place = await this.#size.join({
      endpointId: this.#spec.endpointId,
      beforeChange: () => this.#countTime(),
      onChange: () => void this.#tellLimits().catch((error: unknown) => this.#warn(error)),
    })
    this.#place = place
    return place
  }

  /** Into another compute, with all its processes, where it runs. */
  async #moveTo(size: SizedCompute): Promise<void> {
    await this.#thaw()
    const former = this.#place
    this.#size = size
    if (former === undefined) return
    const place = await this.#takePlace()
    if (this.#postmaster) await enterTree(place, this.#postmaster.pid)
    await former.leave()
    if (this.#state === 'active') await place.started()
  }

  async #findOrStart(place: Place): Promise<{ postmaster: Postmaster; isAdopted: boolean }> {
    const { user, directory, socketDirectory, installationFor } = this.#options
    const installation = installationFor(this.#spec.pgVersion)
    const options: PostmasterOptions = {
      binDirectory: installation.binDirectory,
      dataDirectory: this.#spec.dataDirectory,
      configFile: this.#configFile,
      logFile: this.logFile,
      user,
      isStandby: this.#spec.isStandby,
      onSpawn: (pid) => place.enter(pid),
    }
    // One that was left frozen could not even be asked.
    await place.thaw()
    const adopted = await adoptPostmaster(options)
    this.#toldLimits = adopted === undefined ? this.#limits : undefined
    const { endpointId } = this.#spec
    if (adopted !== undefined) {
      this.#options.capacity.take(endpointId)
      await enterTree(place, adopted.pid)
      return { postmaster: adopted, isAdopted: true }
    }
    await this.#options.capacity.admit(endpointId, this.#ending.signal)
    await this.#options.beforeStart(this.#spec)
    const { units } = this.#size
    await writeConfigFiles(this.#spec, { directory, socketDirectory, user, units }, installation)
    return { postmaster: await startPostmaster(options), isAdopted: false }
  }

  /** Each session takes them before its next statement (manual, "Setting Parameters"). */
  async #tellLimits(): Promise<void> {
    await this.#accessLock.run('limits', async () => {
      const limits = this.#limits
      const postmaster = this.#postmaster
      if (postmaster === undefined || this.#toldLimits === limits) return
      await writeLimitsFile(this.#options, limits)
      sendSignal(postmaster.pid, 'SIGHUP')
      this.#toldLimits = limits
    })
  }

  get #limits(): string {
    return renderLimitsConf(this.#spec, this.#size.units)
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
    const now = steadyNow()
    const isUsed = isLast || this.#sessions.lastActiveMs >= this.#walReadMs
    const wal = isUsed ? await this.#look(readWalCounter) : undefined
    // It may have died, and another been started, while it was asked.
    if (this.#postmaster !== postmaster) return
    if (wal) this.#walReadMs = now
    this.#measuredMs = now
    const cpuMs = processTreeCpuMs(postmaster.pid)
    this.usage.measure({ cpuMs, wal }, this.#size.shareOfMember)
    await this.usage.flush()
  }

  /** A frozen compute uses nothing. */
  #countTime(): void {
    if (this.#state === 'frozen') this.usage.skip()
    else this.usage.measure(noMeasurement, this.#size.shareOfMember)
  }

  async #endUsage(): Promise<void> {
    if (this.#state === 'frozen') this.usage.skip()
    this.usage.end(this.#size.shareOfMember)
    const place = this.#place
    this.#place = undefined
    await place?.leave().catch((error: unknown) => this.#warn(error))
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
    // The suspend that is going on sees to it.
    if (this.#state === 'suspending') return
    if (this.#isEnding) return this.#setState('idle')
    this.#options.log.error({ endpoint: this.#spec.endpointId }, 'PostgreSQL has died')
    this.#startAgain()
  }

  #startAgain(): void {
    void this.#connections.close().catch((error: unknown) => this.#warn(error))
    withCause({ reason: 'PostgreSQL died' }, () => {
      this.#setState('starting')
      void this.#startPatiently()
    })
  }

  /** Answers nothing when it has stopped, else what keeps it awake. */
  async #suspend(force: boolean): Promise<AwakeReason[]> {
    const beganMs = steadyNow()
    const startMs = performance.now()
    this.#setState('suspending')
    try {
      const reasons = force ? [] : await this.#reasonsToStay()
      if (reasons.length > 0 || (!force && this.#sessions.lastActiveMs > beganMs)) {
        const inUse = reasons.length > 0 ? reasons : [{ reason: 'in use again' }]
        this.#goOn(inUse[0]?.reason)
        return inUse
      }
      if ((await inTime(this.#endSessions(), endSessionsTimeoutMs)) === late) {
        throw new Error('PostgreSQL did not end its sessions in time')
      }
    } catch (error) {
      if (!force) {
        this.#goOn('it could not be stopped')
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

  async #reasonsToStay(): Promise<AwakeReason[]> {
    const activity = await inTime(this.#readActivity(), activityTimeoutMs)
    if (activity !== late) return activity.reasons
    throw new Error('PostgreSQL did not tell in time what keeps it awake')
  }

  /** Instead of being suspended. One that was frozen has woken so, and not for what it was to sleep for. */
  #goOn(because: string | undefined): void {
    // It may have died meanwhile.
    if (this.#postmaster === undefined) return this.#startAgain()
    const detail = because !== undefined && { detail: because }
    withCause({ reason: 'suspend called off', ...detail }, () => this.#setState('active'))
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

  get #isTimeToSuspend(): boolean {
    const timeoutMs = this.#spec.suspendTimeoutSeconds * 1000
    return timeoutMs >= 0 && steadyNow() - this.#sessions.lastActiveMs >= timeoutMs
  }

  async #suspendWhenIdle(): Promise<void> {
    if (!this.#isTimeToSuspend || !(await this.#isUnused())) return
    // What a shutdown has to write is written while it can still be called off.
    await this.#look(async (sql) => sql`checkpoint`)
    if (this.#isTimeToSuspend) await this.suspend()
  }

  /** Asks PostgreSQL whether anything keeps it awake, and not again for a while where something does. */
  async #isUnused(): Promise<boolean> {
    const now = steadyNow()
    if (now < this.#notBeforeMs) return false
    const { reasons, lastChangeMs } = await this.#readActivity()
    if (lastChangeMs !== undefined) this.#sessions.noteActivity(lastChangeMs)
    if (reasons.length === 0) return true
    // A session that works is activity; for work of the cluster's own it is enough to look again.
    if (reasons.some((one) => one.role !== undefined && one.quiet !== true)) {
      this.#sessions.noteActivity()
    }
    const timeoutMs = this.#spec.suspendTimeoutSeconds * 1000
    if (now - this.#awakeSinceMs >= timeoutMs) this.#options.onKeptAwake(reasons)
    this.#notBeforeMs = now + (timeoutMs < 0 ? recheckMs : Math.min(timeoutMs, recheckMs))
    return false
  }

  /** A standby is not frozen: it would fall behind, and answer with the past when it goes on. */
  get #isTimeToFreeze(): boolean {
    const { freezeAfterMs } = this.#options
    if (freezeAfterMs === undefined || this.#spec.isStandby || this.#state !== 'active')
      return false
    return steadyNow() - this.#sessions.lastActiveMs >= freezeAfterMs
  }

  async #freezeWhenIdle(): Promise<void> {
    if (!this.#isTimeToFreeze || this.#spec.suspendTimeoutSeconds < 0) return
    if (!(await this.#isUnused())) return
    // Nobody can ask it any more: what it knows and has used is read, what it has written is on disk.
    await this.#look(flushWal)
    await this.#refreshCatalog()
    await this.#measureUsage({ isLast: true })
    const isInUse = this.#looks > 0 || this.#superuserUses > 0 || this.#stopping || this.#held
    if (isInUse || !this.#isTimeToFreeze || this.#isEnding) return
    this.#setState('frozen', { isTold: false })
    this.#freezing = this.#freeze().finally(() => (this.#freezing = undefined))
    await this.#freezing
  }

  /** It counts as frozen already, so that nobody begins to ask it. Never rejects. */
  async #freeze(): Promise<void> {
    const isFrozen = await this.#place?.freeze().catch((error: unknown) => this.#warn(error))
    if (this.#state !== 'frozen') return
    if (isFrozen === true) return this.#options.onStateChange('frozen', 'active')
    this.#setState('active', { isTold: false })
    this.#notBeforeMs = steadyNow() + refusedFreezeMs
  }

  /** Has it go on where it is frozen. Nobody is told of what is thawed only to end. */
  async #thaw({ toEnd = false } = {}): Promise<void> {
    if (this.#state !== 'frozen') return
    this.#thawing ??= this.#thawOnce(!toEnd).finally(() => (this.#thawing = undefined))
    return this.#thawing
  }

  async #thawOnce(isTold: boolean): Promise<void> {
    await this.#freezing
    const place = this.#place
    if (this.#state !== 'frozen' || place === undefined) return
    await place.thaw()
    this.usage.skip()
    this.#awakeSinceMs = steadyNow()
    // It may have died, and be starting again.
    if (this.#state === 'frozen') this.#setState('active', { isTold })
    place.started().catch((error: unknown) => this.#warn(error))
  }

  /** One that is used all the time is never found idle; who uses it is told all the same. */
  #tellOfUse(): void {
    const now = steadyNow()
    const timeoutMs = this.#spec.suspendTimeoutSeconds * 1000
    if (now - this.#awakeSinceMs < timeoutMs || now - this.#keptAwakeToldMs < keptAwakeEveryMs)
      return
    this.#keptAwakeToldMs = now
    if (timeoutMs < 0) return this.#options.onKeptAwake([{ reason: 'never suspends' }])
    const since = now - Math.min(timeoutMs, keptAwakeEveryMs)
    const users = this.sessions.filter((one) => one.quiet !== true && one.lastActiveMs >= since)
    if (users.length === 0) return
    this.#options.onKeptAwake(users.slice(0, maxUsersTold).map(describeUse))
  }

  async #readActivity(): Promise<{ reasons: AwakeReason[]; lastChangeMs: number | undefined }> {
    const own: AwakeReason[] = this.#sessions.listening().map(describeListening)
    if (this.#superuserUses > 0) own.push({ reason: 'in use by the platform' })
    if (this.#spec.suspendTimeoutSeconds < 0) own.push({ reason: 'never suspends' })
    const backends = this.sessions.filter((one) => one.backendPid !== undefined)
    const pidsOf = (some: readonly OpenSession[]) => some.flatMap((one) => one.backendPid ?? [])
    const known = {
      pids: pidsOf(backends),
      quietPids: pidsOf(backends.filter((one) => one.quiet === true)),
    }
    const server = await this.#look(async (sql) => readActivity(sql, known))
    return { reasons: [...own, ...server.reasons], lastChangeMs: server.lastChangeMs }
  }

  /** Without waking it, and without counting as a use that keeps it awake. */
  async #look<T>(work: (sql: Sql) => Promise<T>, database = platformDatabase): Promise<T> {
    this.#looks += 1
    try {
      return await this.#connections.withSuperuser(database, work)
    } finally {
      this.#looks -= 1
    }
  }

  async #refreshCatalog(): Promise<void> {
    this.#catalogCheckedMs = steadyNow()
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

  #setState(state: ComputeState, { isTold = true } = {}): void {
    const former = this.#state
    if (former === state) return
    this.#state = state
    if (state === 'idle') this.#options.capacity.leave(this.#spec.endpointId)
    if (isTold) this.#options.onStateChange(state, former)
  }
}

function socketOf({ socketDirectory }: Postmaster): { socketPath: string } {
  return { socketPath: `${socketDirectory}/.s.PGSQL.${postgresPort}` }
}

/** Its processes are there, whether they go on or stand still. */
export const isActive = (state: ComputeState): boolean => state === 'active' || state === 'frozen'

/** What was committed with `synchronous_commit = off` is otherwise written by a process that would be stopped. */
async function flushWal(sql: Sql): Promise<void> {
  await sql`
    select pg_logical_emit_message(true, 'coppice', '')
    where pg_current_wal_insert_lsn() <> pg_current_wal_flush_lsn()`
}

/** One that was started before, perhaps by another version, with all its children. */
async function enterTree(place: Place, pid: number): Promise<void> {
  place.enter(pid)
  for (const child of await childrenOf(pid)) place.enter(child)
}

import { createHash } from 'node:crypto'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { freemem } from 'node:os'
import { join } from 'node:path'

import type { AwakeReason } from '@coppice/api'

import { type Cause, currentCause, withCause } from '../lib/cause.ts'
import { AppError, describeError, errorCode } from '../lib/errors.ts'
import type { OsUser } from '../lib/exec.ts'
import { syncDirectory } from '../lib/files.ts'
import { forEachBounded } from '../lib/for-each-bounded.ts'
import { KeyedLock } from '../lib/keyed-lock.ts'
import type { Logger } from '../lib/log.ts'
import type { Service } from '../lib/service.ts'
import { type CapacityLimits, HostCapacity } from './capacity.ts'
import { Compute, type ComputeState } from './compute.ts'
import { type ControlGroups, noControlGroups } from './control-groups.ts'
import { chooseInstallation, type Installation } from './installations.ts'
import { checkPgSettings } from './pg-settings.ts'
import { postgresPort } from './settings.ts'
import { SizedCompute } from './sized-compute.ts'
import { readSpec, writeSpec } from './spec-file.ts'
import type { ClusterCatalog, ComputeSpec } from './spec.ts'

export interface ComputeHostOptions {
  /** Of the computes: each has a directory of its own in it. PostgreSQL's user can pass through it. */
  directory: string
  /** Of their sockets: short, and PostgreSQL's user can pass through it. */
  runDirectory: string
  /** Usable by PostgreSQL's user. */
  installations: readonly Installation[]
  user: OsUser | undefined
  log: Logger
  /** What limits computes; without, they are not limited. */
  groups?: ControlGroups
  /** How long a compute is idle before it is frozen; never unless given. */
  freezeAfterMs?: number | undefined
  /** Of the machine, for computes; as many as there are, unless given. */
  capacity?: HostCapacityLimits
}

export interface HostCapacityLimits extends CapacityLimits {
  /** Memory of all computes together. */
  memoryBytes: number
}

export interface StateChange {
  endpointId: string
  compute: Compute
  state: ComputeState
  former: ComputeState
  at: Date
  /** On whose behalf, where that is known. */
  cause: Cause | undefined
}

/** What keeps a compute awake that would sleep otherwise. */
export interface KeptAwake {
  compute: Compute
  at: Date
  reasons: readonly AwakeReason[]
}

/** Often enough that a compute is suspended within a second of its timeout, and grows within one. */
const watchIntervalMs = 500

/** Each recovery keeps a processor and the disk busy, and nobody waits for it yet. */
const recoveriesAtOnce = 2

/** A shutdown writes what is dirty; more at once would not be quicker. */
const suspendsAtOnce = 4

/** Directories of removed computes, until they are gone. */
const removedPrefix = '.removed-'

/** `sun_path` of a Unix socket, its NUL not counted (unix(7); 103 on macOS). */
const maxSocketPathBytes = process.platform === 'linux' ? 107 : 103

/**
 * The computes of this machine.
 *
 * What it is told is kept in `<directory>/<endpoint id>/spec.json`, so that computes start while the
 * store is down and everything is found again after this process was killed: what should be there, in
 * these files; what runs, in each data directory's `postmaster.pid`.
 */
export class ComputeHost implements Service {
  readonly #options: ComputeHostOptions
  readonly #computes = new Map<string, Compute>()
  readonly #groups: ControlGroups
  readonly capacity: HostCapacity
  readonly #sizes = new Map<string, SizedCompute>()
  readonly #listeners = new Set<(change: StateChange) => void>()
  readonly #awakeListeners = new Set<(kept: KeptAwake) => void>()
  readonly #locks = new KeyedLock()
  #beforeStart: (spec: ComputeSpec) => Promise<void> = async () => undefined
  #watch: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(options: ComputeHostOptions) {
    this.#options = options
    this.#groups = options.groups ?? noControlGroups('nothing limits computes here')
    this.capacity = new HostCapacity({
      limits: options.capacity ?? { maxAwake: Infinity, minAvailableBytes: 0 },
      candidates: () => this.list(),
      availableBytes,
      log: options.log,
    })
  }

  get groups(): Pick<ControlGroups, 'kind' | 'detail'> {
    return this.#groups
  }

  /**
   * Loads all computes and takes over those that run. Recovery of what was cut off goes on behind, unless
   * this is only to stop what runs.
   */
  async start({ recovers = true } = {}): Promise<void> {
    await mkdir(this.#options.directory, { recursive: true, mode: 0o711 })
    await mkdir(this.#options.runDirectory, { recursive: true, mode: 0o711 })
    await this.#groups.sweep()
    await this.#groups.limitAll({ memoryBytes: this.#options.capacity?.memoryBytes })
    const cutOff: Compute[] = []
    const names = await readdir(this.#options.directory)
    await forEachBounded(names, recoveriesAtOnce * 4, async (name) => {
      const compute = await this.#loadOne(name)
      if (compute === undefined) return
      const found = await withCause({ reason: 'found running' }, async () => compute.load())
      if (found === 'cut off') cutOff.push(compute)
    })
    if (!recovers) return
    this.#watch = setInterval(() => this.#tick(), watchIntervalMs)
    void forEachBounded(cutOff, recoveriesAtOnce, async (compute) => {
      const cause = { reason: 'recovery', detail: 'it was cut off' }
      if (!this.#isStopped) await withCause(cause, async () => compute.recover())
    })
  }

  /** Computes go on without this process, unless they are to be suspended. May be called twice. */
  async stop({ suspendComputes = false } = {}): Promise<void> {
    this.#isStopped = true
    clearInterval(this.#watch)
    const end = async (compute: Compute): Promise<void> => {
      if (suspendComputes) {
        await compute.suspend({ force: true }).catch((error: unknown) => this.#logError(error))
      }
      await compute.release()
    }
    await withCause({ reason: 'platform stopped' }, async () =>
      forEachBounded(this.list(), suspendsAtOnce, end),
    )
    if (suspendComputes) await this.#groups.sweep()
  }

  /** What has to be done before PostgreSQL is started on a compute's data; a failure fails the start. */
  beforeStart(prepare: (spec: ComputeSpec) => Promise<void>): void {
    this.#beforeStart = prepare
  }

  get(endpointId: string): Compute | undefined {
    return this.#computes.get(endpointId)
  }

  list(): Compute[] {
    return [...this.#computes.values()]
  }

  /**
   * Registers a compute or changes it. Settings take effect at its next start, the suspend timeout,
   * `disabled`, `blockedBecause` and `readOnly` at once. A catalog, where given, replaces the one that is known. May be repeated. Rejects
   * with AppError `invalid_request` for settings that a project may not change.
   */
  async put(
    spec: ComputeSpec,
    options: { catalog?: ClusterCatalog | undefined } = {},
  ): Promise<Compute> {
    checkEndpointId(spec.endpointId)
    checkPgSettings(spec.pgSettings)
    return this.#locks.run(spec.endpointId, async () => {
      const existing = this.#computes.get(spec.endpointId)
      if (existing && existing.spec.dataDirectory !== spec.dataDirectory) {
        await requireIdle(existing)
      }
      const directory = this.#directoryOf(spec.endpointId)
      await mkdir(directory, { recursive: true, mode: 0o711 })
      await writeSpec(directory, spec)
      const compute = existing ?? this.#create(spec)
      await compute.setSpec(spec)
      if (options.catalog) await compute.seedCatalog(options.catalog)
      if (!existing) {
        await compute.load()
        this.#computes.set(spec.endpointId, compute)
      }
      return compute
    })
  }

  /** Stops a compute at once and forgets it; its data directory is the caller's. May be repeated. */
  async remove(endpointId: string): Promise<void> {
    checkEndpointId(endpointId)
    await this.#locks.run(endpointId, async () => {
      const compute = this.#computes.get(endpointId)
      await compute?.destroy()
      const directory = this.#directoryOf(endpointId)
      const aside = join(this.#options.directory, `${removedPrefix}${endpointId}`)
      await rm(aside, { recursive: true, force: true })
      try {
        await rename(directory, aside)
        await syncDirectory(this.#options.directory)
      } catch (error) {
        if (errorCode(error) !== 'ENOENT') throw error
      }
      this.#computes.delete(endpointId)
      if (compute) this.#forgetSize(compute.size)
      await rm(aside, { recursive: true, force: true })
    })
  }

  /** Tells of every change of a compute's state. Answers how to stop listening. */
  onStateChange(listener: (change: StateChange) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Tells, about once a minute, what keeps computes awake. Answers how to stop listening. */
  onKeptAwake(listener: (kept: KeptAwake) => void): () => void {
    this.#awakeListeners.add(listener)
    return () => this.#awakeListeners.delete(listener)
  }

  /** The compute in a directory, or undefined where it cannot be known: then it waits for `put`. */
  async #loadOne(name: string): Promise<Compute | undefined> {
    const directory = join(this.#options.directory, name)
    if (name.startsWith(removedPrefix)) {
      await rm(directory, { recursive: true, force: true })
      return undefined
    }
    try {
      const spec = await readSpec(directory)
      if (spec.endpointId !== name) throw new Error(`${directory} holds another endpoint's spec`)
      const compute = this.#create(spec)
      this.#computes.set(name, compute)
      return compute
    } catch (error) {
      this.#logError(new Error(`cannot load the compute in ${directory}`, { cause: error }))
      return undefined
    }
  }

  #create(spec: ComputeSpec): Compute {
    const { endpointId } = spec
    const compute: Compute = new Compute({
      spec,
      directory: this.#directoryOf(endpointId),
      socketDirectory: socketDirectory(this.#options.runDirectory, endpointId),
      user: this.#options.user,
      installationFor: (majorVersion) => this.#installationFor(majorVersion),
      log: this.#options.log,
      freezeAfterMs: this.#groups.kind === 'none' ? undefined : this.#options.freezeAfterMs,
      capacity: this.capacity,
      sizeFor: (current) => this.#sizeFor(current),
      beforeStart: async (current) => this.#beforeStart(current),
      onStateChange: (state, former) =>
        this.#announce(this.#listeners, {
          endpointId,
          compute,
          state,
          former,
          at: new Date(),
          cause: currentCause(),
        }),
      onKeptAwake: (reasons) =>
        this.#announce(this.#awakeListeners, { compute, at: new Date(), reasons }),
    })
    return compute
  }

  /** A shared one stays while others are in it. */
  #forgetSize({ name }: SizedCompute): void {
    if (this.list().every(({ size }) => size.name !== name)) this.#sizes.delete(name)
  }

  #sizeFor({ endpointId, sharedCompute, ...spec }: ComputeSpec): SizedCompute {
    const name = sharedCompute || endpointId
    const bounds = { min: spec.minComputeUnits, max: spec.maxComputeUnits }
    const size = this.#sizes.get(name) ?? new SizedCompute(name, bounds, this.#groups)
    this.#sizes.set(name, size)
    return size
  }

  #installationFor(majorVersion: number): Installation {
    const found = chooseInstallation(this.#options.installations, majorVersion)
    if (found !== undefined) return found
    const message = `PostgreSQL ${majorVersion} is not installed on this host any more`
    throw new AppError('compute_start_failed', message)
  }

  #directoryOf(endpointId: string): string {
    return join(this.#options.directory, endpointId)
  }

  #tick(): void {
    const now = performance.now()
    for (const size of this.#sizes.values()) {
      size.sample(now).catch((error: unknown) => this.#logError(error))
    }
    withCause({ reason: 'idle' }, () => {
      for (const compute of this.#computes.values()) void compute.tick()
    })
    void this.capacity.relieve()
  }

  #announce<News>(listeners: ReadonlySet<(news: News) => void>, news: News): void {
    for (const listener of listeners) {
      try {
        listener(news)
      } catch (error) {
        this.#logError(error)
      }
    }
  }

  #logError(error: unknown): void {
    this.#options.log.error(describeError(error))
  }
}

/**
 * Linux counts what of the cache could be given back (`MemAvailable`). Others tell only what is unused,
 * which is little at any time.
 */
const availableBytes = (): number => (process.platform === 'linux' ? freemem() : Infinity)

/** It becomes a directory's name. */
function checkEndpointId(endpointId: string): void {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(endpointId)) {
    throw new AppError('invalid_request', 'an endpoint id has letters, digits and hyphens only')
  }
}

async function requireIdle(compute: Compute): Promise<void> {
  if (compute.state === 'idle') return
  throw new Error(`suspend ${compute.spec.endpointId} before its data directory changes`)
}

/** Named after the endpoint, for people with psql; after a hash of it where that would be too long. */
export function socketDirectory(runDirectory: string, endpointId: string): string {
  const named = join(runDirectory, endpointId)
  if (fitsSocket(named)) return named
  const hash = createHash('sha256').update(endpointId).digest('hex').slice(0, 12)
  const short = join(runDirectory, hash)
  if (fitsSocket(short)) return short
  throw new Error(`${runDirectory} is too long for sockets in it; choose a shorter run directory`)
}

function fitsSocket(directory: string): boolean {
  // PostgreSQL makes a lock file of the same name with a suffix, which has no such limit.
  return Buffer.byteLength(`${directory}/.s.PGSQL.${postgresPort}`) <= maxSocketPathBytes
}

import { type ComputeFigures, platformFigures, type PlatformFigures } from '@coppice/api'

import type { StateChange } from '../../compute/host.ts'
import { describeError } from '../../lib/errors.ts'
import { forEachBounded } from '../../lib/for-each-bounded.ts'
import type { Service } from '../../lib/service.ts'
import { steadyNow } from '../../lib/steady-clock.ts'
import type { Context } from '../context.ts'
import {
  type EndpointPlace,
  findPlaces,
  type NewComputeSample,
  recordComputeSamples,
  recordPlatformSample,
  thinSamples,
} from '../store/metrics.ts'
import { addSample, emptyFigures } from './figures.ts'
import { FollowedCompute, type PoolFigures } from './followed-compute.ts'
import { type GatewayFigures, readPlatformFigures } from './platform-figures.ts'

/** What the gateway tells of itself. */
export interface GatewayLook {
  pools(): Promise<ReadonlyMap<string, PoolFigures>>
  processes(): Promise<GatewayFigures>
}

/** A compute that is awake, for whoever asks at the moment. */
export interface FollowedFigures {
  place: EndpointPlace
  /** Sums since the daemon has started; of the others the last ones seen. */
  figures: ComputeFigures
}

const computeTickMs = 15_000
const platformTickMs = 60_000
const thinTickMs = 600_000

/** Looks are short, and each keeps a server from other work meanwhile. */
const looksAtOnce = 4

/**
 * Samples computes and the platform into the store. A look neither wakes a compute nor counts as a use of
 * it. What cannot be written, or does not answer, is missing from the history and holds up nothing.
 */
export class MetricsSampler implements Service {
  readonly #context: Context
  #gateway: GatewayLook | undefined
  readonly #followed = new Map<string, FollowedCompute>()
  #places: ReadonlyMap<string, EndpointPlace> = new Map()
  #platform: PlatformFigures = emptyFigures(platformFigures)
  #pending: PlatformFigures = emptyFigures(platformFigures)
  #cpu = process.cpuUsage()
  #onWake: (seconds: number) => void = () => undefined
  #unfollow: () => void = () => undefined
  readonly #timers: NodeJS.Timeout[] = []
  #running = Promise.resolve()

  constructor(context: Context) {
    this.#context = context
  }

  /** Looks at the platform at once, and at all from time to time. */
  async start(gateway?: GatewayLook): Promise<void> {
    this.#gateway = gateway
    this.#unfollow = this.#context.host.onStateChange((change) => this.#noteState(change))
    this.#every(computeTickMs, async () => this.sampleComputes())
    this.#every(platformTickMs, async () => this.samplePlatform())
    this.#every(thinTickMs, async () => thinSamples(this.#context.store))
    this.#enqueue(async () => this.samplePlatform())
  }

  async stop(): Promise<void> {
    this.#unfollow()
    for (const timer of this.#timers.splice(0)) clearInterval(timer)
    await this.#running
  }

  /** Tells how long each start took. */
  onWake(listener: (seconds: number) => void): void {
    this.#onWake = listener
  }

  /** Bytes have gone to clients. Cheap. */
  countSent(endpointId: string, bytes: number): void {
    this.#pending.sent_bytes += bytes
    this.#follow(endpointId)?.countSent(bytes)
  }

  /** The computes that are awake, those first that were used last. */
  awake(): FollowedFigures[] {
    return [...this.#followed.values()]
      .filter((one) => one.isAwake)
      .toSorted((one, other) => other.lastActiveMs - one.lastActiveMs)
      .flatMap(({ endpointId, totals }) => {
        const place = this.#places.get(endpointId)
        return place ? [{ place, figures: totals }] : []
      })
  }

  /** As `FollowedFigures`, of the platform. */
  get platform(): PlatformFigures {
    return this.#platform
  }

  /** One look at every compute that is awake, and what has happened to the others. */
  async sampleComputes(): Promise<void> {
    const { host, store } = this.#context
    const at = new Date()
    const startMs = performance.now()
    const pools = await this.#lookAtPools()
    const followed = host.list().flatMap(({ spec }) => this.#follow(spec.endpointId) ?? [])
    await forEachBounded(followed, looksAtOnce, async (one) => {
      const look = one.look(steadyNow(), pools?.get(one.endpointId))
      await look.catch((error: unknown) => this.#warn('a compute is not sampled', error, one))
    })
    this.#pending.sampling_seconds += (performance.now() - startMs) / 1000
    for (const id of this.#followed.keys()) {
      if (host.get(id) === undefined) this.#followed.delete(id)
    }
    const samples = followed.flatMap((one): NewComputeSample[] => {
      const sample = one.takeSample()
      return sample ? [{ endpoint_id: one.endpointId, ...sample }] : []
    })
    if (samples.length === 0) return
    const awake = followed.filter((one) => one.isAwake).map((one) => one.endpointId)
    const places = await findPlaces(store, awake)
    this.#places = new Map(places.map((place) => [place.endpoint_id, place]))
    await recordComputeSamples(store, at, samples)
  }

  async samplePlatform(): Promise<void> {
    const processes = await this.#gateway?.processes()
    const seen = await readPlatformFigures(this.#context, {
      gateway_sessions: 0,
      gateway_memory_bytes: 0,
      ...processes,
    })
    const { user, system } = process.cpuUsage(this.#cpu)
    this.#cpu = process.cpuUsage()
    this.#pending.daemon_cpu_seconds += (user + system) / 1_000_000
    const sample = addSample(platformFigures, this.#pending, seen)
    this.#pending = emptyFigures(platformFigures)
    this.#platform = addSample(platformFigures, this.#platform, sample)
    await recordPlatformSample(this.#context.store, new Date(), sample)
  }

  async #lookAtPools(): Promise<ReadonlyMap<string, PoolFigures> | undefined> {
    try {
      return await this.#gateway?.pools()
    } catch (error) {
      this.#warn('the pools are not sampled', error)
      return undefined
    }
  }

  #noteState({ endpointId, state }: StateChange): void {
    const followed = this.#follow(endpointId)
    const seconds = followed?.noteState(state, steadyNow())
    if (seconds === undefined) return
    this.#pending.wakes += 1
    this.#pending.wake_seconds += seconds
    this.#onWake(seconds)
  }

  #follow(endpointId: string): FollowedCompute | undefined {
    const compute = this.#context.host.get(endpointId)
    if (compute === undefined) return undefined
    const known = this.#followed.get(endpointId)
    // One that was deleted and brought back is another.
    if (known?.isOf(compute)) return known
    const followed = new FollowedCompute(compute, steadyNow())
    this.#followed.set(endpointId, followed)
    return followed
  }

  #every(ms: number, work: () => Promise<void>): void {
    let isWaiting = false
    const timer = setInterval(() => {
      if (isWaiting) return
      isWaiting = true
      this.#enqueue(work)
      void this.#running.then(() => (isWaiting = false))
    }, ms)
    timer.unref()
    this.#timers.push(timer)
  }

  /** One after another. */
  #enqueue(work: () => Promise<void>): void {
    this.#running = this.#running.then(work).catch((error: unknown) => {
      this.#warn('a sample is missing', error)
    })
  }

  #warn(message: string, error: unknown, of?: FollowedCompute): void {
    const cause = describeError(error)
    this.#context.log.warn({ ...(of && { endpoint_id: of.endpointId }), error: cause }, message)
  }
}

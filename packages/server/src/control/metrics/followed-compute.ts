import { computeFigures, type ComputeFigures } from '@coppice/api'

import { type Compute, type ComputeState, isActive } from '../../compute/compute.ts'
import { processTreeCpuMs } from '../../compute/cpu-time.ts'
import { memoryBytes } from '../../compute/memory.ts'
import { readServerStatistics, type ServerStatistics } from '../../compute/server-statistics.ts'
import { inTime, late } from '../../lib/in-time.ts'
import { addSample, emptyFigures, onlyKind } from './figures.ts'

/** What the pools of one endpoint do. */
export type PoolFigures = Pick<
  ComputeFigures,
  | 'pool_clients_active'
  | 'pool_clients_waiting'
  | 'pool_clients_idle'
  | 'pool_servers_active'
  | 'pool_servers_idle'
  | 'pool_wait_seconds'
>

/** Of an endpoint that nobody has pooled connections to. */
const noPools: PoolFigures = {
  pool_clients_active: 0,
  pool_clients_waiting: 0,
  pool_clients_idle: 0,
  pool_servers_active: 0,
  pool_servers_idle: 0,
  pool_wait_seconds: 0,
}

/** One that nobody uses has little new, and each look takes something of the machine. */
const idleLookMs = 60_000

/** A server that does not answer is left out of this sample, and not asked again before it has. */
const lookTimeoutMs = 5_000

/** What is known of one compute from one sample to the next. */
export class FollowedCompute {
  readonly #compute: Compute
  #totals: ComputeFigures = emptyFigures(computeFigures)
  /** Since the last sample. */
  #pending: ComputeFigures = emptyFigures(computeFigures)
  #counted: ServerStatistics['counted'] | undefined
  #process: { pid: number; cpuMs: number } | undefined
  #startingMs: number | undefined
  #awakeMs: number | undefined
  #lookedMs = -Infinity
  /** Something has happened that the next sample has to tell. */
  #isChanged = false
  #look: Promise<void> | undefined

  /** This moment and all later ones are by `steadyNow()`. */
  constructor(compute: Compute, nowMs: number) {
    this.#compute = compute
    if (compute.state === 'active') this.#awakeMs = nowMs
  }

  isOf(compute: Compute): boolean {
    return this.#compute === compute
  }

  /** Sums since it is followed; of the others the last ones seen. */
  get totals(): ComputeFigures {
    return this.#totals
  }

  get endpointId(): string {
    return this.#compute.spec.endpointId
  }

  /** A frozen one has its memory and its sessions still. */
  get isAwake(): boolean {
    return isActive(this.#compute.state)
  }

  get lastActiveMs(): number {
    return this.#compute.lastActiveMs
  }

  countSent(bytes: number): void {
    this.#pending.sent_bytes += bytes
  }

  /** Answers how long a start took, where one is over. */
  noteState(state: ComputeState, atMs: number): number | undefined {
    if (state === 'starting') {
      this.#startingMs ??= atMs
      return undefined
    }
    if (state === 'suspending') return undefined
    const startingMs = this.#startingMs
    this.#startingMs = undefined
    this.#isChanged = true
    if (state === 'idle' || state === 'frozen') {
      this.#countAwake(atMs)
      this.#awakeMs = undefined
      if (startingMs !== undefined) this.#pending.failed_wakes += 1
      return undefined
    }
    this.#awakeMs ??= atMs
    if (startingMs === undefined) return undefined
    const seconds = Math.max(0, atMs - startingMs) / 1000
    this.#pending.wakes += 1
    this.#pending.wake_seconds += seconds
    return seconds
  }

  /** Looks at it, where it is awake and a look is due. Never wakes it; rejects where it does not answer. */
  async look(nowMs: number, pools: PoolFigures = noPools): Promise<void> {
    if (!this.isAwake || this.#look !== undefined) return
    const isUsed = this.lastActiveMs >= this.#lookedMs || pools.pool_clients_waiting > 0
    if (!isUsed && !this.#isChanged && nowMs - this.#lookedMs < idleLookMs) return
    this.#look = this.#lookNow(nowMs, pools).finally(() => (this.#look = undefined))
    if ((await inTime(this.#look, lookTimeoutMs)) === late) {
      throw new Error('PostgreSQL does not answer')
    }
  }

  /** What there is to write since the last time; undefined where that is nothing. */
  takeSample(): ComputeFigures | undefined {
    if (!this.#isChanged) return undefined
    this.#isChanged = false
    // Of what sleeps nothing is high any more.
    const sample = this.isAwake ? this.#pending : onlyKind(computeFigures, this.#pending, 'sum')
    this.#totals = addSample(computeFigures, this.#totals, sample)
    this.#pending = onlyKind(computeFigures, sample, 'highest')
    return sample
  }

  async #lookNow(nowMs: number, pools: PoolFigures): Promise<void> {
    const { pid } = this.#compute
    if (pid === undefined) return
    // A frozen one has counted nothing since it was frozen, and tells the rest when it goes on.
    const statistics = await this.#compute.peek(readServerStatistics)
    const memory = await memoryBytes(pid)
    // It has been put to sleep, or replaced, meanwhile.
    if (!this.isAwake || this.#compute.pid !== pid) return
    this.#countCpu(pid)
    if (statistics !== undefined) this.#countStatistics(statistics.counted)
    this.#countAwake(nowMs)
    Object.assign(this.#pending, statistics?.now, pools, {
      memory_bytes: memory ?? 0,
      sessions: this.#compute.sessionCount,
    })
    this.#lookedMs = nowMs
    this.#isChanged = true
  }

  #countAwake(atMs: number): void {
    if (this.#awakeMs === undefined || atMs <= this.#awakeMs) return
    this.#pending.awake_seconds += (atMs - this.#awakeMs) / 1000
    this.#awakeMs = atMs
  }

  /** Of a process that was found running, what it had used before is not known to be of any time. */
  #countCpu(pid: number): void {
    const cpuMs = processTreeCpuMs(pid)
    if (cpuMs === undefined) return
    const before = this.#process?.pid === pid ? this.#process.cpuMs : 0
    const isKnown = this.#process !== undefined || this.#pending.wakes > 0
    if (isKnown) this.#pending.cpu_seconds += Math.max(0, cpuMs - before) / 1000
    this.#process = { pid, cpuMs }
  }

  /** They outlast a shutdown; after a crash they begin again. */
  #countStatistics(counted: ServerStatistics['counted']): void {
    const before = this.#counted
    this.#counted = counted
    if (before === undefined) return
    for (const name of Object.keys(counted) as (keyof typeof counted)[]) {
      const isSame = counted[name] >= before[name]
      this.#pending[name] += isSame ? counted[name] - before[name] : counted[name]
    }
  }
}

/** Totals of the pools, and averages over the last minute or two. */
import type { PoolKey } from '../pool/lease.ts'
import type { PoolAdmin, PoolReport, PoolTotals } from '../pool/report.ts'

/** PgBouncer's `stats_period`, by default and here. */
export const statsPeriodSeconds = 60

/** What the pools had counted at a moment, by `poolName`. */
export interface Snapshot {
  /** By `performance.now()`. */
  takenAt: number
  totals: ReadonlyMap<string, PoolTotals>
}

/**
 * Looks at the pools once a period and remembers two looks, so that averages are over one to two
 * periods, as PgBouncer's are.
 */
export class Statistics {
  readonly #admin: Pick<PoolAdmin, 'report'>
  readonly #timer: NodeJS.Timeout
  #older: Snapshot = { takenAt: performance.now(), totals: new Map() }
  #newer: Snapshot = this.#older

  constructor(admin: Pick<PoolAdmin, 'report'>) {
    this.#admin = admin
    const look = () => {
      // A look that fails is left out; the averages are over a longer time then.
      this.look().catch(() => undefined)
    }
    this.#timer = setInterval(look, statsPeriodSeconds * 1000)
    this.#timer.unref()
  }

  /** What averages are counted from. */
  get base(): Snapshot {
    return this.#older
  }

  /** A period is over. */
  async look(): Promise<void> {
    const { pools } = await this.#admin.report({})
    this.#older = this.#newer
    this.#newer = {
      takenAt: performance.now(),
      totals: new Map(pools.map((pool) => [poolName(pool), pool.totals])),
    }
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}

export function poolName({ endpointId, database, role }: PoolKey): string {
  return JSON.stringify([endpointId, database, role])
}

export function sumOfTotals(all: readonly PoolTotals[]): PoolTotals {
  const sum = { ...nothing }
  for (const totals of all) {
    for (const name of counters) sum[name] += totals[name]
  }
  return sum
}

/** What the pools have counted since the snapshot; a pool made anew since then has counted all of it. */
export function since(pools: readonly PoolReport[], base: Snapshot): PoolTotals {
  return sumOfTotals(
    pools.map((pool) => {
      const before = base.totals.get(poolName(pool))
      const isSame = before !== undefined && counters.every((n) => pool.totals[n] >= before[n])
      return isSame ? difference(pool.totals, before) : pool.totals
    }),
  )
}

function difference(now: PoolTotals, before: PoolTotals): PoolTotals {
  const left = { ...nothing }
  for (const name of counters) left[name] = now[name] - before[name]
  return left
}

const nothing: PoolTotals = {
  assignments: 0,
  transactions: 0,
  queries: 0,
  bytesReceived: 0,
  bytesSent: 0,
  transactionTimeUs: 0,
  queryTimeUs: 0,
  waitTimeUs: 0,
  parsesByClients: 0,
  parsesOnServers: 0,
  binds: 0,
  serverLogins: 0,
}

// The keys of an object whose type names every one of them.
const counters = Object.keys(nothing) as (keyof PoolTotals)[]

/** SHOW STATS, STATS_TOTALS, STATS_AVERAGES and TOTALS, with the columns of PgBouncer 1.25. */
import type { PoolReport, PoolTotals } from '../pool/report.ts'
import { field, listView } from './fields.ts'
import { groupByDatabase } from './pool-views.ts'
import type { ConsoleState } from './state.ts'
import { since, sumOfTotals } from './statistics.ts'

/** Counted in all, and in the seconds since the last snapshot but one. */
interface Statistic {
  database: string
  totals: PoolTotals
  recent: PoolTotals
  seconds: number
}

interface Counter {
  /** In STATS behind `total_` and `avg_`, in its subsets as it is. */
  name: string
  of: keyof PoolTotals
  /** A time is averaged over these events, a count over the seconds. */
  per?: keyof PoolTotals
  /** Bytes have other names in STATS, for their total and their average, and in TOTALS. */
  others?: { total: string; average: string; sum: string }
}

const counters: readonly Counter[] = [
  { name: 'server_assignment_count', of: 'assignments' },
  { name: 'xact_count', of: 'transactions' },
  { name: 'query_count', of: 'queries' },
  {
    name: 'bytes_received',
    of: 'bytesReceived',
    others: { total: 'received', average: 'recv', sum: 'client_bytes' },
  },
  {
    name: 'bytes_sent',
    of: 'bytesSent',
    others: { total: 'sent', average: 'sent', sum: 'server_bytes' },
  },
  { name: 'xact_time', of: 'transactionTimeUs', per: 'transactions' },
  { name: 'query_time', of: 'queryTimeUs', per: 'queries' },
  { name: 'wait_time', of: 'waitTimeUs', per: 'assignments' },
  { name: 'client_parse_count', of: 'parsesByClients' },
  { name: 'server_parse_count', of: 'parsesOnServers' },
  { name: 'bind_count', of: 'binds' },
]

const database = field('database', 'text', (one: Statistic) => one.database)

export const statsView = listView<ConsoleState, Statistic>(
  [
    database,
    ...counters.map((counter) =>
      field(`total_${counter.others?.total ?? counter.name}`, 'numeric', totalOf(counter)),
    ),
    ...counters.map((counter) =>
      field(`avg_${counter.others?.average ?? counter.name}`, 'numeric', averageOf(counter)),
    ),
  ],
  byDatabase,
)

export const statsTotalsView = listView<ConsoleState, Statistic>(
  [database, ...counters.map((counter) => field(counter.name, 'numeric', totalOf(counter)))],
  byDatabase,
)

export const statsAveragesView = listView<ConsoleState, Statistic>(
  [database, ...counters.map((counter) => field(counter.name, 'numeric', averageOf(counter)))],
  byDatabase,
)

/** Of all databases together, one number in a row. */
export const totalsView = listView<ConsoleState, readonly [name: string, value: number]>(
  [field('name', 'text', ([name]) => name), field('value', 'numeric', ([, value]) => value)],
  (state) => {
    const all = statistic('', state.report.pools, state)
    const nameOf = (counter: Counter) => counter.others?.sum ?? counter.name
    return [
      ...counters.map((counter) => [`total_${nameOf(counter)}`, totalOf(counter)(all)] as const),
      ...counters.map((counter) => [`avg_${nameOf(counter)}`, averageOf(counter)(all)] as const),
    ]
  },
)

function byDatabase(state: ConsoleState): Statistic[] {
  return groupByDatabase(state).map(({ name, pools }) => statistic(name, pools, state))
}

function statistic(
  name: string,
  pools: readonly PoolReport[],
  { base, now }: ConsoleState,
): Statistic {
  return {
    database: name,
    totals: sumOfTotals(pools.map((pool) => pool.totals)),
    recent: since(pools, base),
    seconds: (now - base.takenAt) / 1000,
  }
}

function totalOf({ of }: Counter): (one: Statistic) => number {
  return ({ totals }) => totals[of]
}

function averageOf({ of, per }: Counter): (one: Statistic) => number {
  return ({ recent, seconds }) => {
    const divisor = per === undefined ? seconds : recent[per]
    return divisor > 0 ? Math.floor(recent[of] / divisor) : 0
  }
}

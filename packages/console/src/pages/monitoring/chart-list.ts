import type { ComputeFigure, ComputeSample } from '@coppice/api'

import { formatBytes } from '../../ui/format.ts'

/** A line of a chart: a figure of the samples, by its kind as it is or for a second. */
interface Line {
  name: string
  figure: ComputeFigure
  color?: number
}

export interface ChartDescription {
  title: string
  note?: string
  lines: readonly Line[]
  isStacked?: boolean
  format: (value: number) => string
  base?: number
  atLeast?: number
}

/** `1.2 k`, `0.05`: as short as an axis needs. */
export function formatNumber(value: number): string {
  for (const [size, unit] of [
    [1e9, ' G'],
    [1e6, ' M'],
    [1e3, ' k'],
  ] as const) {
    if (value >= size) return `${trim(value / size)}${unit}`
  }
  return trim(value)
}

const trim = (value: number): string =>
  value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(2)))

export const formatRate = (value: number): string => `${formatNumber(value)}/s`
export const formatByteRate = (value: number): string => `${formatBytes(value)}/s`
export const formatPercent = (value: number): string => `${Number(value.toFixed(1))} %`

/** `350 ms`, `2.5 s`, `12 min`. */
export function formatSeconds(value: number): string {
  if (value === 0) return '0 s'
  if (value < 1) return `${Math.round(value * 1000)} ms`
  if (value < 120) return `${trim(value)} s`
  return value < 7200 ? `${Math.round(value / 60)} min` : `${trim(value / 3600)} h`
}

/** What needs no more than figures of the samples, in the order of the page. */
export const chartList: readonly ChartDescription[] = [
  {
    title: 'Connections',
    lines: [
      { name: 'Active', figure: 'connections_active' },
      { name: 'Idle', figure: 'connections_idle', color: 6 },
      { name: 'Idle in transaction', figure: 'connections_idle_in_transaction', color: 3 },
      { name: 'Waiting for a lock', figure: 'connections_waiting', color: 4 },
    ],
    format: formatNumber,
    atLeast: 4,
  },
  {
    title: 'Pool clients',
    note: 'on the pooled port',
    isStacked: true,
    lines: [
      { name: 'Active', figure: 'pool_clients_active' },
      { name: 'Waiting', figure: 'pool_clients_waiting', color: 3 },
      { name: 'Idle', figure: 'pool_clients_idle', color: 6 },
    ],
    format: formatNumber,
    atLeast: 4,
  },
  {
    title: 'Pool servers',
    note: 'connections that the pools hold',
    isStacked: true,
    lines: [
      { name: 'Active', figure: 'pool_servers_active' },
      { name: 'Idle', figure: 'pool_servers_idle', color: 6 },
    ],
    format: formatNumber,
    atLeast: 4,
  },
  {
    title: 'Longest wait for a pool',
    lines: [{ name: 'Wait', figure: 'pool_wait_seconds', color: 3 }],
    format: formatSeconds,
    atLeast: 0.1,
  },
  {
    title: 'Transactions',
    lines: [
      { name: 'Committed', figure: 'xact_commit' },
      { name: 'Rolled back', figure: 'xact_rollback', color: 4 },
    ],
    format: formatRate,
    atLeast: 1,
  },
  {
    title: 'Oldest transaction',
    note: 'open ones keep vacuum back',
    lines: [{ name: 'Age', figure: 'longest_transaction_seconds', color: 3 }],
    format: formatSeconds,
    atLeast: 1,
  },
  {
    title: 'Rows read',
    lines: [
      { name: 'By scans', figure: 'tup_returned' },
      { name: 'By index', figure: 'tup_fetched', color: 2 },
    ],
    format: formatRate,
    atLeast: 1,
  },
  {
    title: 'Rows written',
    isStacked: true,
    lines: [
      { name: 'Inserted', figure: 'tup_inserted' },
      { name: 'Updated', figure: 'tup_updated', color: 2 },
      { name: 'Deleted', figure: 'tup_deleted', color: 4 },
    ],
    format: formatRate,
    atLeast: 1,
  },
  {
    title: 'WAL written',
    lines: [{ name: 'WAL', figure: 'wal_bytes' }],
    format: formatByteRate,
    base: 1024,
    atLeast: 1024,
  },
  {
    title: 'Size of all databases',
    lines: [{ name: 'Data', figure: 'database_bytes' }],
    format: formatBytes,
    base: 1024,
  },
  {
    title: 'Sent to clients',
    lines: [{ name: 'Sent', figure: 'sent_bytes', color: 2 }],
    format: formatByteRate,
    base: 1024,
    atLeast: 1024,
  },
  {
    title: 'Temporary files',
    note: 'sorts and joins that work_mem is too small for',
    lines: [{ name: 'Written', figure: 'temp_bytes', color: 3 }],
    format: formatByteRate,
    base: 1024,
    atLeast: 1024,
  },
  {
    title: 'Deadlocks',
    lines: [{ name: 'Deadlocks', figure: 'deadlocks', color: 4 }],
    format: formatNumber,
    atLeast: 1,
  },
]

/** Rare things are counted; of others one asks how many in a second. */
const countedWhole: ReadonlySet<ComputeFigure> = new Set(['deadlocks'])

/** How a figure is shown: of what is counted, so much in a second. */
export function valuesOf(
  figure: ComputeFigure,
  kind: 'sum' | 'highest',
  { samples, seconds }: { samples: readonly ComputeSample[]; seconds: readonly number[] },
): number[] {
  const isRate = kind === 'sum' && !countedWhole.has(figure)
  return samples.map((sample, at) =>
    isRate ? sample[figure] / (seconds[at] ?? 1) : sample[figure],
  )
}

/** Of the blocks that were wanted, the share that was in shared buffers, in percent. */
export const cacheHits = (samples: readonly ComputeSample[]): (number | undefined)[] =>
  samples.map(({ blks_hit, blks_read }) =>
    blks_hit + blks_read > 0 ? (100 * blks_hit) / (blks_hit + blks_read) : undefined,
  )

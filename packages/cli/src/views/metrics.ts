import type { Figure } from '@coppice/api'

import { formatBytes } from '../format.ts'
import { renderTable } from '../table.ts'

/** A sample is its figures by name, and when it begins. */
export type Sample = Readonly<Record<string, number | string>>

export interface Samples {
  from: string
  to: string
  step_seconds: number
  samples: readonly Sample[]
}

interface Line {
  name: string
  last: string
  highest: string
  chart: string
}

/** As many as fit a terminal beside the rest. */
const chartWidth = 40
const bars = '▁▂▃▄▅▆▇█'

/** Rare things are counted; of others one asks how much at a time. */
const countedWhole: ReadonlySet<string> = new Set(['wakes', 'failed_wakes', 'deadlocks'])
/** Seconds of each second are a share: of a processor, of the time. */
const perSecond = (name: string): string =>
  name.endsWith('_seconds') ? name.slice(0, -'_seconds'.length) : `${name}/s`

/** A line for each figure that there was something of: as last, at most, and how it went. */
export async function metricsTable(
  figures: Readonly<Record<string, Figure>>,
  range: Samples,
): Promise<string> {
  const lines = Object.entries(figures).flatMap(([name, { kind }]): Line[] => {
    const values = valuesOf(name, range).map((value) =>
      value !== undefined && kind === 'sum' && !countedWhole.has(name)
        ? value / range.step_seconds
        : value,
    )
    const known = values.filter((value) => value !== undefined)
    const highest = Math.max(0, ...known)
    if (highest === 0) return []
    const title = kind === 'sum' && !countedWhole.has(name) ? perSecond(name) : name
    const show = (value: number) => formatFigure(name, kind, value)
    return [
      { name: title, last: show(known.at(-1) ?? 0), highest: show(highest), chart: chart(values) },
    ]
  })
  return renderTable<Line>(
    [
      { title: 'figure', value: (line) => line.name },
      { title: 'last', value: (line) => line.last },
      { title: 'highest', value: (line) => line.highest },
      { title: 'from then to now', value: (line) => line.chart },
    ],
    lines,
  )
}

/** Every step of the range, also those that have no sample. */
function valuesOf(name: string, { from, to, step_seconds, samples }: Samples) {
  const stepMs = step_seconds * 1000
  const byStep = new Map(
    samples.map((sample) => [
      Math.floor((Date.parse(String(sample['at'])) - Date.parse(from)) / stepMs),
      Number(sample[name]),
    ]),
  )
  const steps = Math.max(1, Math.ceil((Date.parse(to) - Date.parse(from)) / stepMs))
  return Array.from({ length: steps }, (_, step) => byStep.get(step))
}

/** Bars from 0 to the highest; a gap where there is nothing. Each is the highest of its part. */
export function chart(values: ReadonlyArray<number | undefined>, width = chartWidth): string {
  const count = Math.min(width, values.length)
  const parts = Array.from({ length: count }, (_, at) => {
    const from = Math.floor((at * values.length) / count)
    const to = Math.floor(((at + 1) * values.length) / count)
    const known = values.slice(from, to).filter((value) => value !== undefined)
    return known.length > 0 ? Math.max(...known) : undefined
  })
  const highest = Math.max(0, ...parts.filter((value) => value !== undefined))
  return parts
    .map((value) => {
      if (value === undefined) return ' '
      const level = highest === 0 ? 0 : Math.round((value / highest) * (bars.length - 1))
      return bars[level] ?? ' '
    })
    .join('')
}

function formatFigure(name: string, kind: Figure['kind'], value: number): string {
  if (name.endsWith('_bytes')) return formatBytes(Math.round(value))
  const unit = name.endsWith('_seconds') && kind === 'highest' ? ' s' : ''
  const digits = Number.isInteger(value) || value >= 100 ? 0 : value >= 1 ? 1 : 3
  return `${value.toFixed(digits)}${unit}`
}

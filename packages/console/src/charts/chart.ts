/** What a chart shows, and where on its drawing. */
import type { Value } from './draw.ts'
import type { Sample, Span, Timeline } from './timeline.ts'

export interface Series {
  name: string
  /** Of the samples of the timeline, in their order. */
  values: readonly Value[]
  /** What it is compared with: drawn as a dashed line. */
  isLimit?: boolean
  /** In place of the chart's own colours, from 1 to 6. */
  color?: number
}

/** Something that happened at a moment. */
export interface Mark {
  atMs: number
  value: number
  label: string
}

export interface TimeChartProps {
  title: string
  /** Below the title. */
  note?: string
  timeline: Timeline<Sample>
  series: readonly Series[]
  /** Whether the series are parts of a whole. */
  isStacked?: boolean
  /** Drawn as pins, in place of lines or beside them. */
  marks?: readonly Mark[]
  format: (value: number) => string
  /** What units grow by: 1024 for bytes. */
  base?: number
  /** The axis reaches at least so far. */
  atLeast?: number
  onZoom: (range: Span) => void
}

export const plot = { left: 58, right: 10, top: 8, bottom: 22, height: 168 }

export interface Scales {
  x: (atMs: number) => number
  y: (value: number) => number
  /** The moment at a place. */
  at: (x: number) => number
}

export function createScales({ fromMs, toMs }: Span, width: number, highest: number): Scales {
  const inner = Math.max(1, width - plot.left - plot.right)
  const height = plot.height - plot.top - plot.bottom
  return {
    x: (atMs) => plot.left + ((atMs - fromMs) / (toMs - fromMs)) * inner,
    y: (value) => plot.top + (1 - value / highest) * height,
    at: (x) => fromMs + (Math.min(Math.max(x - plot.left, 0), inner) / inner) * (toMs - fromMs),
  }
}

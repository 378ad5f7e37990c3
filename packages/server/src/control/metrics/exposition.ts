import { type ComputeFigure, computeFigures, type Figure, platformFigures } from '@coppice/api'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

import { namesOf } from './figures.ts'
import type { FollowedFigures, MetricsSampler } from './sampler.ts'

/** All that a series of a compute is told apart by. */
const computeLabels = [
  'project_id',
  'project',
  'branch_id',
  'branch',
  'endpoint_id',
  'type',
] as const

/** Of so many computes each series is told: those used last. Some thirty series each. */
const maxComputes = 500

const wakeBuckets = [0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30, 60]
/** Node's own counts wake the process so often; its default is every 10 ms. */
const loopPrecisionMs = 100

type Sampled = Pick<MetricsSampler, 'awake' | 'platform' | 'onWake'>

/** `/metrics`, in the text format of Prometheus. */
export interface Exposition {
  contentType: string
  text(): Promise<string>
}

/** Only what has been sampled is told: a scrape asks nothing of any PostgreSQL. */
export function createExposition(sampler: Sampled, version: string): Exposition {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: loopPrecisionMs })
  addBuild(registry, version)
  addPlatform(registry, sampler)
  addComputes(registry, sampler)
  const wakes = new Histogram({
    name: 'coppice_wake_duration_seconds',
    help: 'How long starts of computes took',
    buckets: wakeBuckets,
    registers: [registry],
  })
  sampler.onWake((seconds) => wakes.observe(seconds))
  return { contentType: registry.contentType, text: async () => registry.metrics() }
}

/** As Prometheus names things: what is counted ends in `_total`. */
export function seriesName(of: 'compute' | 'platform', name: string, { kind }: Figure): string {
  return `coppice_${of}_${name}${kind === 'sum' ? '_total' : ''}`
}

function addBuild(registry: Registry, version: string): void {
  const build = new Gauge({
    name: 'coppice_build_info',
    help: 'The version that runs, as a label',
    labelNames: ['version'],
    registers: [registry],
  })
  build.set({ version }, 1)
}

function addPlatform(registry: Registry, sampler: Sampled): void {
  for (const name of namesOf(platformFigures)) {
    const figure = platformFigures[name]
    addSeries(registry, {
      name: seriesName('platform', name, figure),
      figure,
      labelNames: [],
      read: () => [{ labels: {}, value: sampler.platform[name] }],
    })
  }
}

function addComputes(registry: Registry, sampler: Sampled): void {
  for (const name of namesOf(computeFigures)) {
    const figure = computeFigures[name]
    addSeries(registry, {
      name: seriesName('compute', name, figure),
      figure,
      labelNames: computeLabels,
      read: () => shown(sampler).map((one) => valueOf(one, name)),
    })
  }
  addSeries(registry, {
    name: 'coppice_computes_left_out',
    figure: { kind: 'highest', help: `Computes that are awake and beyond the ${maxComputes} told` },
    labelNames: [],
    read: () => [{ labels: {}, value: sampler.awake().length - shown(sampler).length }],
  })
}

const shown = (sampler: Sampled): FollowedFigures[] => sampler.awake().slice(0, maxComputes)

function valueOf({ place, figures }: FollowedFigures, name: ComputeFigure): Value {
  return { labels: { ...place }, value: figures[name] }
}

interface Value {
  labels: Record<string, string>
  value: number
}

interface Series {
  name: string
  figure: Figure
  labelNames: readonly string[]
  /** Asked with each scrape; what it does not tell any more is gone. */
  read: () => Value[]
}

function addSeries(registry: Registry, { name, figure, labelNames, read }: Series): void {
  const options = { name, help: figure.help, labelNames: [...labelNames], registers: [registry] }
  if (figure.kind === 'highest') {
    new Gauge({
      ...options,
      collect() {
        this.reset()
        for (const { labels, value } of read()) this.set(labels, value)
      },
    })
    return
  }
  new Counter({
    ...options,
    collect() {
      this.reset()
      for (const { labels, value } of read()) this.inc(labels, value)
    },
  })
}

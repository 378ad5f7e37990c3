import { readFileSync } from 'node:fs'

import { computeFigures, type Figure, platformFigures } from '@coppice/api'
import { expect, test } from 'vitest'

import { createExposition, seriesName } from './exposition.ts'
import { emptyFigures } from './figures.ts'
import type { FollowedFigures } from './sampler.ts'

const repository = new URL('../../../../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, repository), 'utf8')

let awake: FollowedFigures[] = []
let tellWake: (seconds: number) => void = () => undefined
const exposition = createExposition(
  {
    awake: () => awake,
    platform: { ...emptyFigures(platformFigures), branches: 7, wakes: 3 },
    onWake: (listener) => (tellWake = listener),
  },
  '1.2.3',
)

function compute(branch: string, awakeSeconds: number): FollowedFigures {
  return {
    place: {
      endpoint_id: `ep-${branch}`,
      type: 'read_write',
      branch_id: `br-${branch}`,
      branch,
      project_id: 'shop-1',
      project: 'the "shop"',
    },
    figures: { ...emptyFigures(computeFigures), awake_seconds: awakeSeconds, memory_bytes: 5 },
  }
}

const labels = (branch: string): string =>
  `endpoint_id="ep-${branch}",type="read_write",branch_id="br-${branch}",branch="${branch}",` +
  String.raw`project_id="shop-1",project="the \"shop\""`

test('each figure is a series, counted ones with _total, under the names of where it belongs', async () => {
  awake = [compute('main', 60)]
  tellWake(0.12)
  const text = await exposition.text()
  expect(text).toContain('\ncoppice_build_info{version="1.2.3"} 1\n')
  expect(text).toContain('\ncoppice_platform_branches 7\n')
  expect(text).toContain('# TYPE coppice_platform_wakes_total counter\n')
  expect(text).toContain('\ncoppice_platform_wakes_total 3\n')
  expect(text).toContain(`\ncoppice_compute_awake_seconds_total{${labels('main')}} 60\n`)
  expect(text).toContain(`\ncoppice_compute_memory_bytes{${labels('main')}} 5\n`)
  expect(text).toContain('coppice_wake_duration_seconds_bucket{le="0.15"} 1\n')
})

test('a counter is told as it is at each scrape, and what sleeps is not told', async () => {
  awake = [compute('main', 75), compute('dev', 1)]
  const name = 'coppice_compute_awake_seconds_total'
  expect(await exposition.text()).toContain(`${name}{${labels('main')}} 75\n`)
  awake = [compute('dev', 2)]
  const later = await exposition.text()
  expect(later).toContain(`${name}{${labels('dev')}} 2\n`)
  expect(later).not.toContain('branch="main"')
})

test('the number of series is bounded, and what is left out is counted', async () => {
  awake = Array.from({ length: 503 }, (_, at) => compute(`b${at}`, at))
  const text = await exposition.text()
  expect(text.match(/^coppice_compute_memory_bytes\{/gm)).toHaveLength(500)
  expect(text).toContain('coppice_computes_left_out 3\n')
})

/** Names and labels that an expression of PromQL has. */
const seriesOf = (expression: string): string[] =>
  expression.match(/\b(?:coppice|process|nodejs)_\w+/g) ?? []

test('the Grafana dashboard uses series and labels that there are', async () => {
  awake = [compute('main', 1)]
  const text = await exposition.text()
  const exposed = new Set(text.match(/^\w+(?=[{ ])/gm))
  const dashboard = read('examples/grafana/coppice.json')
  const { panels } = JSON.parse(dashboard) as {
    panels: { type: string; title: string; targets?: { expr: string }[] }[]
  }
  const drawn = panels.filter(({ type }) => type !== 'row')
  expect(drawn.length).toBeGreaterThan(10)
  for (const { title, targets = [] } of drawn) {
    const used = targets.flatMap(({ expr }) => seriesOf(expr))
    expect([title, used.length > 0]).toEqual([title, true])
  }
  expect(seriesOf(dashboard).filter((name) => !exposed.has(name))).toEqual([])
  const known = new Set([...text.matchAll(/[{,](\w+)="/g)].map(([, label]) => label))
  const named = [...dashboard.matchAll(/\{\{(\w+)\}\}|(\w+)=~|by \((\w+)\)|, (\w+)\)"/g)].map(
    (match) => match.slice(1).find((label) => label !== undefined),
  )
  expect(named.length).toBeGreaterThan(10)
  expect(named.filter((label) => !known.has(label))).toEqual([])
})

test('docs/monitoring.md tells of each figure, and of no other', () => {
  const documented = read('docs/monitoring.md')
    .split('\n')
    .filter((line) => line.startsWith('| `coppice_'))
    .map((line) =>
      line
        .split('|')
        .slice(1, 3)
        .map((cell) => cell.trim()),
    )
  const rowsOf = (of: 'compute' | 'platform', figures: Record<string, Figure>) =>
    Object.entries(figures).map(([name, figure]) => [
      `\`${seriesName(of, name, figure)}\``,
      figure.help,
    ])
  expect(documented).toEqual([
    ...rowsOf('compute', computeFigures),
    ...rowsOf('platform', platformFigures),
  ])
})

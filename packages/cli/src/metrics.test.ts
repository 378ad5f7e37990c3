import {
  computeFigures,
  type ComputeSample,
  platformFigures,
  type PlatformSample,
} from '@coppice/api'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { type Bench, startBench } from './testing/cli.ts'
import { addEndpoint } from './testing/fake-world.ts'
import { chart, metricsTable } from './views/metrics.ts'

let bench: Bench

beforeEach(async () => {
  bench = await startBench()
})
afterEach(async () => bench.stop())

const zeros = (figures: object) => Object.fromEntries(Object.keys(figures).map((name) => [name, 0]))
const at = (second: number): string => new Date(Date.UTC(2030, 0, 1, 0, 0, second)).toISOString()
const sample = (second: number, changes: Partial<ComputeSample>): ComputeSample =>
  ({ at: at(second), ...zeros(computeFigures), ...changes }) as ComputeSample

test('a figure has a line with its rate or its height, and gaps where it slept', async () => {
  const table = await metricsTable(computeFigures, {
    from: at(0),
    to: at(120),
    step_seconds: 30,
    samples: [
      sample(0, { xact_commit: 30, memory_bytes: 1024 ** 2, wakes: 1, cpu_seconds: 3 }),
      sample(30, { xact_commit: 300, memory_bytes: 2 * 1024 ** 2, cpu_seconds: 15 }),
      sample(90, { xact_commit: 150, memory_bytes: 1024 ** 2, wakes: 1 }),
    ],
  })
  expect(table.split('\n')).toEqual([
    'FIGURE         LAST    HIGHEST  FROM THEN TO NOW',
    'cpu            0       0.500    ▂█ ▁',
    'memory_bytes   1.0 MB  2.0 MB   ▅█ ▅',
    'xact_commit/s  5       10       ▂█ ▅',
    'wakes          1       1        █▁ █',
  ])
})

test('a chart of many values shows the highest of each part', () => {
  const values = Array.from({ length: 400 }, (_, step) => (step === 205 ? 7 : 0))
  expect(chart(values, 40)).toBe(`${'▁'.repeat(20)}█${'▁'.repeat(19)}`)
  expect(chart([undefined, 1], 40)).toBe(' █')
  expect(chart([0], 40)).toBe('▁')
})

test('metrics asks for the span and the step, and shows each compute', async () => {
  const recent = new Date(Date.now() - 60_000).toISOString()
  bench.world.computeSamples = [sample(0, { at: recent, sessions: 3 })]
  const { code, stdout } = await bench.run('metrics', 'main', '--since', '2h', '--step', '5m')
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^sessions +3 +3/m) })
  const query = bench.api.requests.at(-1)?.query ?? {}
  expect(Date.parse(query['to'] ?? '') - Date.parse(query['from'] ?? '')).toBe(7_200_000)
  expect(query['step']).toBe('300')

  const [main] = bench.world.branches
  if (main) addEndpoint(bench.world, main, { type: 'read_only' })
  const both = await bench.run('metrics', '--branch', 'main')
  expect(both.stdout).toMatch(/\(read_write\)\n[^]*\(read_only\)\n/)
})

test('metrics of the platform, as JSON whole', async () => {
  const row = { at: at(0), ...zeros(platformFigures), branches: 7 } as PlatformSample
  bench.world.platformSamples = [row]
  const { code, stdout } = await bench.run('metrics', '--platform', '-o', 'json')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ step_seconds: 30, samples: [row] })
})

test('metrics says where there is nothing', async () => {
  expect((await bench.run('metrics')).stdout).toContain('no samples of this time')
})

test.each([
  [['--platform', 'main'], '--platform is of no branch'],
  [['--since', 'yesterday'], 'Give seconds or a span'],
  [['nonsense'], 'does not exist'],
])('refuses metrics %j', async (argv, message) => {
  const { code, stderr } = await bench.run('metrics', ...argv)
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(message) })
})

import { appendFile, mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { followFile } from './log-file.ts'
import { type Bench, startBench } from './testing/cli.ts'

let bench: Bench
let daemonLog: string

beforeEach(async () => {
  bench = await startBench()
  const directory = join(bench.cwd, 'home', 'logs')
  await mkdir(directory, { recursive: true })
  daemonLog = join(directory, 'daemon.log')
  await writeFile(daemonLog, [line('one'), line('two', { endpoint_id: 'ep-a-b-1' }), ''].join('\n'))
  await writeFile(join(directory, 'gateway.log'), 'plain\u001B[2J\n')
})
afterEach(async () => bench.stop())

function line(msg: string, fields: Record<string, unknown> = {}): string {
  return JSON.stringify({ level: 30, time: '2026-01-01T00:00:00.000Z', msg, ...fields })
}

test('log lines are made readable', async () => {
  expect((await bench.run('logs')).stdout).toBe(
    '2026-01-01 00:00:00.000  INFO   one\n' +
      '2026-01-01 00:00:00.000  INFO   two  endpoint_id=ep-a-b-1\n',
  )
  expect((await bench.run('logs', '-n', '1', '-o', 'json')).stdout).toBe(
    `${line('two', { endpoint_id: 'ep-a-b-1' })}\n`,
  )
})

test('a component has its file, an endpoint its lines', async () => {
  expect((await bench.run('logs', 'gateway')).stdout).toBe('plain\uFFFD[2J\n')
  expect((await bench.run('logs', 'ep-a-b-1')).stdout).toContain('two')
  const compute = join(bench.cwd, 'home', 'computes', 'ep-c-d-2')
  await mkdir(compute, { recursive: true })
  await writeFile(join(compute, 'postgres.log'), 'LOG:  ready\n')
  expect((await bench.run('logs', 'ep-c-d-2')).stdout).toBe('LOG:  ready\n')
  const { code, stderr } = await bench.run('logs', 'nothing')
  expect(code).toBe(1)
  expect(stderr).toContain('There are logs of: daemon, gateway.')
})

test('following goes on over a rotated file', { timeout: 15_000 }, async () => {
  const lines = followFile(daemonLog)
  const first = lines.next()
  await appendFile(daemonLog, 'three')
  await appendFile(daemonLog, ' and more\nfour\n')
  expect((await first).value).toBe('three and more')
  expect((await lines.next()).value).toBe('four')
  const next = lines.next()
  await rename(daemonLog, `${daemonLog}.1`)
  await writeFile(daemonLog, 'five\n')
  expect((await next).value).toBe('five')
  await lines.return(undefined)
})

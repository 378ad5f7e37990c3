import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { isThere } from '../lib/files.ts'
import { bootstrapCluster } from './bootstrap.ts'
import type { Compute } from './compute.ts'
import { socketDirectory } from './host.ts'
import { sendSignal } from './processes.ts'
import { connectAs, owner, ownerBootstrap } from './testing/clients.ts'
import { createWorkbench, eventually, majorVersions, type Workbench } from './testing/cluster.ts'
import { startHostProcess } from './testing/host-process.ts'
import { createSpec } from './testing/spec.ts'
import { noUsage, type UsageCounters } from './usage-hours.ts'

/** What computes count of themselves, with real ones. */
const majorVersion = Math.max(...majorVersions)

let bench: Workbench
let seed: string

beforeAll(async () => {
  bench = await createWorkbench()
  seed = await bench.createCluster(majorVersion)
  const host = await bench.startHost('seed')
  const compute = await host.put(createSpec(seed, { pgVersion: majorVersion }))
  await bootstrapCluster(compute, await ownerBootstrap())
  await host.stop({ suspendComputes: true })
})

afterAll(async () => bench.close())

const specOf = async (name: string) =>
  createSpec(await bench.copyCluster(seed), {
    pgVersion: majorVersion,
    endpointId: `ep-${name}`,
    minComputeUnits: 0.5,
    maxComputeUnits: 0.5,
  })

function sum(hours: Iterable<UsageCounters>): UsageCounters {
  const total = { ...noUsage }
  for (const counters of hours) {
    for (const name of Object.keys(total) as (keyof UsageCounters)[]) total[name] += counters[name]
  }
  return total
}

async function used(compute: Compute): Promise<UsageCounters> {
  const { hours } = await compute.usage.take()
  return sum(hours.map(({ counters }) => counters))
}

const writeMegabyte = `create table filled as
  select n, md5(n::text) as text from generate_series(1, 20000) n`

test('an awake compute counts time, size, processors and WAL, and a suspended one nothing', async () => {
  const host = await bench.startHost('count')
  const compute = await host.put(await specOf('count'))
  expect(await used(compute)).toEqual(noUsage)
  const startMs = performance.now()
  const { socketPath } = await compute.wake()
  // What its template has written before is not its own.
  await eventually('it was looked at', async () => (await used(compute)).activeMs > 0)
  const sql = connectAs(socketPath, owner)
  const [before] = await sql<{ lsn: string }[]>`select pg_current_wal_insert_lsn()::text as lsn`
  await sql.unsafe(writeMegabyte)
  await sql`select count(*) from filled a, filled b where a.n % 200 = 1`
  const [row] = await sql<{ bytes: string }[]>`
    select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), ${before?.lsn ?? ''})::text as bytes`
  const bytes = Number(row?.bytes)
  await sql.end()
  await compute.suspend({ force: true })
  const elapsedMs = performance.now() - startMs
  const total = await used(compute)
  expect(total.activeMs).toBeGreaterThan(0)
  expect(total.activeMs).toBeLessThanOrEqual(elapsedMs)
  expect(total.computeMs).toBeCloseTo(total.activeMs / 2, -1)
  expect(bytes).toBeGreaterThan(1_000_000)
  expect(total.writtenBytes).toBeGreaterThan(bytes * 0.9)
  expect(total.writtenBytes).toBeLessThan(bytes * 1.2)
  expect(total.cpuMs > 0).toBe(process.platform === 'linux')
  expect(await used(compute)).toEqual(total)
  await host.stop()
})

test('a compute that goes on without a host is counted by the next one, from the start on', async () => {
  const before = await bench.startHost('adopt')
  const { spec } = await before.put(await specOf('adopt'))
  await before.stop()
  const process = await startHostProcess(bench.directory, 'adopt')
  const file = join(bench.directory, 'adopt', 'ep-adopt', 'usage.json')
  await eventually('its usage is written', async () => isThere(file))
  sendSignal(process.pid, 'SIGKILL')
  await process.ended
  const directory = socketDirectory(join(bench.directory, 'adopt-run'), spec.endpointId)
  const sql = connectAs(join(directory, '.s.PGSQL.5432'), owner)
  const alone = performance.now()
  await sql.unsafe(writeMegabyte)
  await sql`select pg_sleep(1)`
  await sql.end()
  const aloneMs = performance.now() - alone

  const after = await bench.startHost('adopt')
  const compute = after.get(spec.endpointId)
  expect(compute?.state).toBe('active')
  await compute?.suspend({ force: true })
  const total = compute && (await used(compute))
  expect(total?.activeMs).toBeGreaterThan(aloneMs)
  expect(total?.writtenBytes).toBeGreaterThan(1_000_000)
  await after.stop()
})

test('a compute that crashes is counted until then, and after it was started again', async () => {
  const host = await bench.startHost('crash')
  const compute = await host.put(await specOf('crash'))
  await compute.wake()
  await eventually('it was looked at', async () => (await used(compute)).activeMs > 0)
  const pid = compute.pid ?? 0
  sendSignal(pid, 'SIGKILL')
  await eventually('another one runs', () => compute.state === 'active' && compute.pid !== pid)
  const first = await used(compute)
  const { socketPath } = await compute.wake()
  const sql = connectAs(socketPath, owner)
  await sql.unsafe(writeMegabyte)
  await sql.end()
  await compute.suspend({ force: true })
  const last = await used(compute)
  expect(last.activeMs).toBeGreaterThan(first.activeMs)
  expect(last.writtenBytes - first.writtenBytes).toBeGreaterThan(1_000_000)
  await host.stop()
})

import { readFile } from 'node:fs/promises'

import type { Sql } from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { bootstrapCluster } from './bootstrap.ts'
import type { Compute } from './compute.ts'
import { processTreeCpuMs } from './cpu-time.ts'
import { findControlGroups } from './find-control-groups.ts'
import type { ComputeHost } from './host.ts'
import type { ComputeSpec } from './spec.ts'
import { connectAs, owner, ownerBootstrap } from './testing/clients.ts'
import { createWorkbench, eventually, majorVersions, type Workbench } from './testing/cluster.ts'
import { createSpec } from './testing/spec.ts'

/** Looking alone: the groups are made by the host that is tested. */
const { kind, detail } = await findControlGroups('test', { mayMove: false })

describe.skipIf(kind === 'none')(`limits by ${kind} (${detail})`, () => {
  const pgVersion = majorVersions[0] ?? 0
  let bench: Workbench
  let host: ComputeHost
  let seed: string
  const clients: Sql[] = []

  const create = async (name: string, changes: Partial<ComputeSpec> = {}): Promise<Compute> =>
    host.put(
      createSpec(await bench.copyCluster(seed), {
        pgVersion,
        endpointId: `ep-${name}`,
        ...changes,
      }),
    )

  const client = async (compute: Compute): Promise<Sql> => {
    const sql = connectAs((await compute.wake()).socketPath, owner)
    clients.push(sql)
    return sql
  }

  /** Keeps one processor busy for some time, on a session of its own. */
  const spin = (sql: Sql, ms: number) => sql`
    do ${sql.unsafe(`$$ declare until_time timestamptz := clock_timestamp() + interval '${ms} ms';
      begin while clock_timestamp() < until_time loop end loop; end $$`)}`

  /** Processors that a compute uses, over some time. */
  const processors = async (compute: Compute, work: Promise<unknown>): Promise<number> => {
    const [startMs, startCpuMs] = [performance.now(), processTreeCpuMs(compute.pid ?? 0) ?? 0]
    await work
    const usedMs = (processTreeCpuMs(compute.pid ?? 0) ?? 0) - startCpuMs
    return usedMs / (performance.now() - startMs)
  }

  beforeAll(async () => {
    bench = await createWorkbench()
    const groups = await findControlGroups(bench.directory)
    host = await bench.startHost('limited', { groups })
    seed = await bench.createCluster(pgVersion)
    const first = await host.put(createSpec(seed, { pgVersion, endpointId: 'ep-seed' }))
    await bootstrapCluster(first, await ownerBootstrap())
    await first.suspend({ force: true })
    await host.remove('ep-seed')
  })

  afterAll(async () => {
    for (const sql of clients) await sql.end({ timeout: 0 })
    for (const compute of host?.list() ?? []) await host.remove(compute.spec.endpointId)
    await host?.stop({ suspendComputes: true })
    await bench?.close()
  })

  test('a query gets no more of the processor than its compute has', async () => {
    const compute = await create('small', { minComputeUnits: 0.25, maxComputeUnits: 0.25 })
    const sql = await client(compute)
    expect(await processors(compute, spin(sql, 1_500))).toBeLessThan(0.4)
  })

  test('a size changes while a session is open, and the session with it', async () => {
    const compute = await create('live', { minComputeUnits: 0.25, maxComputeUnits: 0.25 })
    const sql = await client(compute)
    const show = async (): Promise<[string, number]> => {
      const [row] = await sql<{ cache: string; pid: number }[]>`
        select current_setting('effective_cache_size') as cache, pg_backend_pid() as pid`
      return [row?.cache ?? '', row?.pid ?? 0]
    }
    const [cache, pid] = await show()
    expect(cache).toBe('768MB')
    await host.put({ ...compute.spec, minComputeUnits: 1, maxComputeUnits: 1 })
    await eventually('the session sees its new size', async () => (await show())[0] === '3GB')
    expect((await show())[1]).toBe(pid)
    expect(await processors(compute, spin(sql, 500))).toBeGreaterThan(0.4)
  })

  test('a load makes a compute larger within its bounds, and counts as that', async () => {
    const compute = await create('growing', { minComputeUnits: 0.25, maxComputeUnits: 2 })
    const sql = await client(compute)
    expect(compute.size.units).toBe(0.25)
    const work = spin(sql, 1_500).execute()
    await eventually('it has grown', () => compute.size.units > 1)
    await work
    await compute.suspend({ force: true })
    const [hour] = (await compute.usage.take()).hours.slice(-1)
    expect(hour?.counters.computeMs).toBeGreaterThan((hour?.counters.activeMs ?? 0) * 0.4)
  })

  test('a query that takes all memory ends, and its compute goes on', async () => {
    const compute = await create('greedy', {
      minComputeUnits: 0.25,
      maxComputeUnits: 0.25,
      pgSettings: { work_mem: '4GB' },
    })
    const sql = await client(compute)
    const greedy = sql`
      select count(*) from (select repeat('x', 1000) || i, count(*)
        from generate_series(1, 1500000) as i group by 1) as everything`
    await expect(greedy).rejects.toThrow(/CONNECTION_CLOSED|terminating connection/)
    expect(await readFile(compute.logFile, 'utf8')).toContain('terminated by signal 9')
    const again = await client(compute)
    await eventually('it answers again', async () => {
      const rows = await again`select 1 as one`.catch(() => [])
      return rows[0]?.['one'] === 1
    })
  })
})

import { readFile } from 'node:fs/promises'

import type { Sql } from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { bootstrapCluster } from './bootstrap.ts'
import type { Compute } from './compute.ts'
import { processTreeCpuMs } from './cpu-time.ts'
import { findControlGroups } from './find-control-groups.ts'
import type { ComputeHost } from './host.ts'
import { readPidFile } from './pid-file.ts'
import { identifyProcess, sendSignal } from './processes.ts'
import { postgresPort } from './settings.ts'
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

  /** How long it counts as having run. */
  const usedMs = async (compute: Compute): Promise<number> =>
    (await compute.usage.take()).hours.reduce((sum, hour) => sum + hour.counters.activeMs, 0)

  const socketOf = (dataDirectory: string): string =>
    `${readPidFile(dataDirectory)?.socketDirectory}/.s.PGSQL.${postgresPort}`

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
    host = await bench.startHost('limited', { groups, freezeAfterMs: 1_000 })
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
  })

  test('a load makes a compute larger within its bounds, and counts as that', async () => {
    const compute = await create('growing', { minComputeUnits: 0.25, maxComputeUnits: 2 })
    const sql = await client(compute)
    expect(compute.size.units).toBe(0.25)
    const work = spin(sql, 3_000).execute()
    // As far as a busy host lets it.
    await eventually('it has grown', () => compute.size.units > 0.25)
    await work
    await compute.suspend({ force: true })
    const [hour] = (await compute.usage.take()).hours.slice(-1)
    expect(hour?.counters.computeMs).toBeGreaterThan((hour?.counters.activeMs ?? 0) * 0.27)
  })

  test('two that share a compute divide it, from the moment that they are moved into it', async () => {
    const size = { minComputeUnits: 0.5, maxComputeUnits: 0.5 }
    const [one, other] = [await create('one', size), await create('other', size)]
    const clients = [await client(one), await client(other)]
    for (const { spec } of [one, other]) await host.put({ ...spec, sharedCompute: 'compute-dev' })
    expect(one.size).toBe(other.size)
    expect(one.size.memberIds).toEqual(['ep-one', 'ep-other'])
    const work = Promise.all(clients.map(async (sql) => spin(sql, 2_000)))
    const used = await Promise.all([processors(one, work), processors(other, work)])
    expect((used[0] ?? 0) + (used[1] ?? 0)).toBeLessThan(0.75)
    expect(Math.min(...used)).toBeGreaterThan(0.05)
    await host.put({ ...one.spec, sharedCompute: '' })
    expect(other.size.memberIds).toEqual(['ep-other'])
    expect(await clients[0]?.unsafe('select 1 as one')).toEqual([{ one: 1 }])
  })

  describe('a compute that has nothing to do', () => {
    const frozen = async (compute: Compute): Promise<void> =>
      eventually('it is frozen', () => compute.state === 'frozen', 5_000)

    test('is frozen, and goes on for the next client in no time', async () => {
      const compute = await create('idle', { suspendTimeoutSeconds: 300 })
      await compute.wake()
      const { pid } = compute
      await frozen(compute)
      const [cpuMs, activeMs] = [processTreeCpuMs(pid ?? 0), await usedMs(compute)]
      expect(await compute.peek(async (sql) => sql`select 1`)).toBeUndefined()
      expect(await compute.verifier(owner.role)).toMatch(/^SCRAM/)
      expect(await compute.activity()).toEqual([])
      expect(compute.state).toBe('frozen')
      const startMs = performance.now()
      await compute.wake()
      expect(performance.now() - startMs).toBeLessThan(100)
      expect(compute.state).toBe('active')
      expect(processTreeCpuMs(pid ?? 0)).toBeLessThan((cpuMs ?? 0) + 100)
      expect(await usedMs(compute)).toBeLessThan(activeMs + 400)
      const sql = await client(compute)
      expect(await sql`select 1 as one`).toEqual([{ one: 1 }])
      expect(compute.pid).toBe(pid)
    })

    test('goes on for what a client sends on a session that it has left open', async () => {
      const compute = await create('open', { suspendTimeoutSeconds: 300 })
      const sql = await client(compute)
      const details = { role: owner.role, database: owner.database, applicationName: 'app' }
      const session = compute.openSession(details)
      await sql`create table t as select 1 as one`
      await frozen(compute)
      const answer = sql`select one from t`.execute()
      session.touch()
      expect(await answer).toEqual([{ one: 1 }])
      session.end()
    })

    test('is not frozen while a session is in a transaction', async () => {
      const compute = await create('busy', { suspendTimeoutSeconds: 300 })
      const sql = await client(compute)
      await sql`begin`
      await compute.tick()
      await spin(await client(compute), 2_000)
      expect(compute.state).toBe('active')
      expect((await compute.activity()).map(({ reason }) => reason)).toEqual(['in a transaction'])
    })

    test('loses nothing that was committed without waiting for the disk', async () => {
      const compute = await create('lazy', {
        suspendTimeoutSeconds: 300,
        pgSettings: { wal_writer_delay: '10s', synchronous_commit: 'off' },
      })
      const sql = await client(compute)
      await sql`create table t as select 1 as one`
      await frozen(compute)
      const { pid = 0 } = compute
      sendSignal(pid, 'SIGKILL')
      await compute.wake().catch(() => undefined)
      await eventually('it runs again', () => compute.state === 'active' && compute.pid !== pid)
      expect(await (await client(compute))`select one from t`).toEqual([{ one: 1 }])
    })

    test('is suspended when its time has come, and removed, out of its freeze', async () => {
      const compute = await create('timed', { suspendTimeoutSeconds: 3 })
      await compute.wake()
      await frozen(compute)
      await eventually('it is suspended', () => compute.state === 'idle', 10_000)
      const other = await create('gone', { suspendTimeoutSeconds: 300 })
      await other.wake()
      await frozen(other)
      const { pid } = other
      await host.remove(other.spec.endpointId)
      expect(await identifyProcess(pid ?? 0)).toBeUndefined()
    })

    test('goes on when the host lets go of it, and is taken over frozen by the next', async () => {
      const groups = await findControlGroups(`${bench.directory}/second`)
      const name = 'second'
      const options = { groups, freezeAfterMs: 1_000 }
      const before = await bench.startHost(name, options)
      const dataDirectory = await bench.copyCluster(seed)
      const spec = createSpec(dataDirectory, { pgVersion, suspendTimeoutSeconds: 300 })
      const compute = await before.put(spec)
      await compute.wake()
      await frozen(compute)
      const { pid } = compute
      await before.stop()
      const sql = connectAs(socketOf(dataDirectory), owner)
      expect(await sql`select 1 as one`).toEqual([{ one: 1 }])
      await sql.end({ timeout: 1 })
      // As a daemon leaves it that is killed.
      const place = await (await groups.compute(spec.endpointId)).member(spec.endpointId)
      expect(await place.freeze()).toBe(true)
      const after = await bench.startHost(name, options)
      expect(after.get(spec.endpointId)?.pid).toBe(pid)
      expect(after.get(spec.endpointId)?.state).toBe('active')
      await after.remove(spec.endpointId)
      await after.stop({ suspendComputes: true })
    })
  })

  test('a query that takes all memory ends, and its compute goes on', async () => {
    const compute = await create('greedy', { minComputeUnits: 0.25, maxComputeUnits: 0.25 })
    const sql = await client(compute)
    const greedy = sql`
      select array_length(array_agg(repeat('x', 1000000) || i), 1) from generate_series(1, 1500) as i`
    await expect(greedy).rejects.toThrow(/CONNECTION_CLOSED|terminating connection/)
    await eventually('PostgreSQL has noticed', async () =>
      (await readFile(compute.logFile, 'utf8')).includes('terminated by signal 9'),
    )
    const again = await client(compute)
    await eventually('it answers again', async () => {
      const rows = await again`select 1 as one`.catch(() => [])
      return rows[0]?.['one'] === 1
    })
  })
})

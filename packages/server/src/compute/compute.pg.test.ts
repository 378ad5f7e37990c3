import { readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as immediate } from 'node:timers/promises'

import type { Sql } from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { createVerifier } from '../lib/scram.ts'
import { bootstrapCluster } from './bootstrap.ts'
import type { Compute, ComputeState } from './compute.ts'
import type { ComputeHost } from './host.ts'
import { memoryBytes } from './memory.ts'
import { readPidFile } from './pid-file.ts'
import { type ChildIdentity, findProcessesIn, identifyProcess, sendSignal } from './processes.ts'
import { createRole } from './roles.ts'
import type { ComputeSpec } from './spec.ts'
import { connectAs, owner, ownerBootstrap } from './testing/clients.ts'
import { createWorkbench, eventually, majorVersions, type Workbench } from './testing/cluster.ts'
import { createSpec } from './testing/spec.ts'

let bench: Workbench

beforeAll(async () => {
  bench = await createWorkbench()
})

afterAll(async () => bench.close())

describe.each(majorVersions)('a compute of PostgreSQL %d', (majorVersion) => {
  let host: ComputeHost
  let seed: string
  const states: [string, ComputeState][] = []
  const clients: Sql[] = []

  const create = async (name: string, changes: Partial<ComputeSpec> = {}): Promise<Compute> =>
    host.put(
      createSpec(await bench.copyCluster(seed), {
        pgVersion: majorVersion,
        endpointId: `ep-${name}-${majorVersion}`,
        ...changes,
      }),
    )

  const client = async (compute: Compute, role = owner.role): Promise<Sql> => {
    const sql = connectAs((await compute.wake()).socketPath, { ...owner, role })
    clients.push(sql)
    return sql
  }

  beforeAll(async () => {
    host = await bench.startHost(`h${majorVersion}`)
    host.onStateChange((change) => states.push([change.endpointId, change.state]))
    seed = await bench.createCluster(majorVersion)
    const first = await host.put(
      createSpec(seed, { pgVersion: majorVersion, endpointId: `ep-seed-${majorVersion}` }),
    )
    await bootstrapCluster(first, await ownerBootstrap())
    await first.suspend({ force: true })
    await host.remove(first.spec.endpointId)
  })

  afterAll(async () => {
    for (const sql of clients) await sql.end({ timeout: 0 })
    for (const compute of host?.list() ?? []) await host.remove(compute.spec.endpointId)
  })

  test('is started once by all who wake it at once', async () => {
    const compute = await create('once')
    const sockets = await Promise.all(Array.from({ length: 20 }, async () => compute.wake()))
    expect(new Set(sockets.map((one) => one.socketPath)).size).toBe(1)
    const log = await readFile(compute.logFile, 'utf8')
    expect(log.match(/starting PostgreSQL/g)).toHaveLength(1)
    expect(
      states.filter(([id]) => id === compute.spec.endpointId).map(([, state]) => state),
    ).toEqual(['starting', 'active'])
    expect(await memoryBytes(compute.pid ?? 0)).toBeGreaterThan(5_000_000)
    expect(await memoryBytes(compute.pid ?? 0)).toBeLessThan(200_000_000)
  })

  test('wakes again when it is woken while it suspends', async () => {
    const compute = await create('again')
    await compute.wake()
    const before = compute.pid
    const begun = new Promise<void>((resolve) => {
      host.onStateChange(({ state }) => state === 'suspending' && resolve())
    })
    const suspended = compute.suspend({ force: true })
    await begun
    const [outcome] = await Promise.all([suspended, compute.wake()])
    expect(outcome).toBe('suspended')
    expect(compute.state).toBe('active')
    expect(compute.pid).not.toBe(before)
    const sql = await client(compute)
    expect(await sql`select 1`).toHaveLength(1)
  })

  test('stops cleanly, needs no recovery, and has lost nothing', async () => {
    const compute = await create('clean', { suspendTimeoutSeconds: 300 })
    const sql = await client(compute)
    await sql`create table t as select generate_series(1, 1000) as id`
    expect(await compute.suspend()).toBe('suspended')
    expect(compute.state).toBe('idle')
    expect(readPidFile(compute.spec.dataDirectory)).toBeUndefined()
    const again = await client(compute)
    expect([...(await again`select count(*)::int as rows from t`)]).toEqual([{ rows: 1000 }])
    const log = await readFile(compute.logFile, 'utf8')
    expect(log).not.toContain('automatic recovery')
  })

  test('that is disabled is not woken', async () => {
    const compute = await create('off', { disabled: true })
    await expect(compute.wake()).rejects.toMatchObject({ code: 'endpoint_disabled' })
    expect(compute.state).toBe('idle')
  })

  test('is started again by itself when its postmaster is killed', async () => {
    const compute = await create('killed')
    const sql = await client(compute)
    await sql`create table t as select 7 as id`
    await sql`create role made_by_sql login password 'pw'`
    const before = compute.pid ?? 0
    sendSignal(before, 'SIGKILL')
    await eventually('another postmaster runs', () => {
      return compute.state === 'active' && compute.pid !== before && compute.pid !== undefined
    })
    const again = await client(compute)
    expect([...(await again`select id from t`)]).toEqual([{ id: 7 }])
    expect(await compute.verifier('made_by_sql')).toMatch(/^SCRAM-SHA-256\$/)
  })

  test('that does not start again tells whoever wakes it why, and starts when it can', async () => {
    const compute = await create('stuck')
    await compute.wake()
    const { dataDirectory } = compute.spec
    await rename(dataDirectory, `${dataDirectory}.away`)
    sendSignal(compute.pid ?? 0, 'SIGKILL')
    await eventually('it has tried', () => compute.state === 'idle')
    await expect(compute.wake()).rejects.toThrow('data directory is not there')
    await rename(`${dataDirectory}.away`, dataDirectory)
    await compute.wake()
    expect(compute.state).toBe('active')
  })

  test('goes on when a backend is killed', async () => {
    const compute = await create('backend')
    const sql = await client(compute)
    const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`
    sendSignal(row?.pid ?? 0, 'SIGKILL')
    await eventually('it answers again', async () => {
      const again = await client(compute)
      return again`select 1`.then(
        () => true,
        () => false,
      )
    })
    expect(compute.state).toBe('active')
  })

  test('that dies while it is asked what keeps it awake answers nothing', async () => {
    const compute = await create('dying', { suspendTimeoutSeconds: 300 })
    await compute.wake()
    expect(await compute.activity()).toEqual([])
    sendSignal(compute.pid ?? 0, 'SIGQUIT')
    await eventually('its end is noticed', async () => {
      expect(await compute.activity()).toEqual([])
      return compute.state !== 'active'
    })
  })

  describe('stays awake', () => {
    let compute: Compute

    beforeAll(async () => {
      compute = await create('busy', { suspendTimeoutSeconds: 300 })
    })

    const reasons = async (): Promise<string[]> =>
      (await compute.activity()).map((one) => one.reason)

    test('for nothing, when sessions are only open', async () => {
      const sql = await client(compute)
      await sql`select 1`
      const session = compute.openSession({ role: 'r', database: 'd', applicationName: '' })
      expect(compute.sessionCount).toBe(1)
      expect(await compute.activity()).toEqual([])
      session.end()
      session.end()
      expect(compute.sessionCount).toBe(0)
    })

    test('for a query that runs', async () => {
      const sql = await client(compute)
      const query = sql`select pg_sleep(30)`
      query.catch(() => undefined)
      await eventually('the query runs', async () => (await reasons()).length > 0)
      expect(await compute.activity()).toEqual([
        {
          reason: 'running a query',
          role: owner.role,
          database: owner.database,
          application_name: 'postgres.js',
          since: expect.stringMatching(/^\d{4}-/),
        },
      ])
      const outcome = await compute.suspend()
      expect(outcome).toHaveLength(1)
      expect(compute.state).toBe('active')
      await sql.end({ timeout: 0 })
      await compute.withSuperuser('postgres', async (admin) => {
        await admin`select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep%' and pid <> pg_backend_pid()`
      })
      await eventually('the query has ended', async () => (await reasons()).length === 0)
    })

    test('for a transaction that is open', async () => {
      const sql = await client(compute)
      await sql.unsafe('begin')
      expect(await reasons()).toEqual(['in a transaction'])
      await sql.unsafe('rollback')
      expect(await reasons()).toEqual([])
    })

    test('for a session that listens', async () => {
      const session = compute.openSession({ role: 'r', database: 'd', applicationName: 'worker' })
      session.setListening(true)
      expect(await compute.activity()).toEqual([
        {
          reason: 'listening for notifications',
          role: 'r',
          database: 'd',
          application_name: 'worker',
          since: expect.stringMatching(/^\d{4}-/),
        },
      ])
      session.setListening(false)
      expect(await reasons()).toEqual([])
      session.setListening(true)
      expect(await reasons()).toEqual(['listening for notifications'])
      session.end()
      expect(await reasons()).toEqual([])
    })

    test('for work of the platform', async () => {
      const held = await compute.openSuperuser()
      expect(await reasons()).toEqual(['in use by the platform'])
      await held.close()
      await held.close()
      expect(await reasons()).toEqual([])
    })

    test('for a transaction that is prepared', async () => {
      const prepared = await create('prepared', {
        suspendTimeoutSeconds: 300,
        pgSettings: { max_prepared_transactions: '2' },
      })
      const sql = await client(prepared)
      await sql
        .begin(async (transaction) => {
          await transaction`create table t (id int)`
          await transaction`prepare transaction 'p1'`
        })
        .catch(() => undefined)
      expect(await prepared.activity()).toMatchObject([{ reason: 'prepared transaction' }])
    })

    test('when it is never to suspend, unless it is forced', async () => {
      const never = await create('never', { suspendTimeoutSeconds: -1 })
      await never.wake()
      expect(await never.suspend()).toEqual([{ reason: 'never suspends' }])
      expect(await never.suspend({ force: true })).toBe('suspended')
    })
  })

  describe('knows its roles while it is idle', () => {
    test('also those made and changed by SQL just before', async () => {
      const compute = await create('catalog')
      const sql = await client(compute)
      await sql`create role from_sql login password 'first'`
      await sql`create role group_role`
      const first = await compute.verifier('from_sql')
      await sql`alter role from_sql password 'second'`
      const second = await compute.verifier('from_sql')
      expect(second).not.toBe(first)
      await compute.suspend({ force: true })
      expect(await compute.verifier('from_sql')).toBe(second)
      expect(await compute.verifier('group_role')).toBeUndefined()
      expect(compute.state).toBe('idle')
      const catalog = await compute.catalog()
      expect(catalog.roles.map((one) => one.name)).toEqual([owner.role, 'from_sql', 'group_role'])
      expect(catalog.databases).toMatchObject([{ name: owner.database, owner: owner.role }])
      expect(catalog.databases[0]?.sizeBytes).toBeGreaterThan(1_000_000)
    })

    test('and never hands out the superuser’s or a built-in one’s', async () => {
      const compute = await create('secret')
      for (const _ of [1, 2]) {
        for (const role of ['cloud_admin', 'neon_superuser', 'pg_monitor', 'nobody']) {
          expect(await compute.verifier(role)).toBeUndefined()
        }
        await compute.wake()
      }
    })

    test('in a file that only the platform can read', async () => {
      const compute = await create('file')
      await compute.wake()
      await compute.suspend({ force: true })
      const file = join(
        bench.directory,
        `h${majorVersion}`,
        compute.spec.endpointId,
        'catalog.json',
      )
      expect((await stat(file)).mode & 0o777).toBe(0o600)
      expect((await stat(file)).uid).toBe(process.getuid?.() ?? 0)
    })

    test('and is kept current while clients are active', async () => {
      const compute = await create('current')
      const sql = await client(compute)
      await sql`create role fresh login password 'pw'`
      const file = join(
        bench.directory,
        `h${majorVersion}`,
        compute.spec.endpointId,
        'catalog.json',
      )
      const session = compute.openSession({ role: 'r', database: 'd', applicationName: '' })
      await eventually(
        'the file tells of the role',
        async () => {
          session.touch()
          return (await readFile(file, 'utf8').catch(() => '')).includes('"fresh"')
        },
        25_000,
      )
      session.end()
      expect(compute.state).toBe('active')
    })
  })

  test('a wake that fails tells why, and the next one is tried anew', async () => {
    const compute = await create('broken', { pgSettings: { work_mem: 'banana' } })
    await expect(compute.wake()).rejects.toThrow('banana')
    expect(compute.state).toBe('idle')
    await host.put({ ...compute.spec, pgSettings: {} })
    await compute.wake()
    expect(compute.state).toBe('active')
  })

  test('that does not answer holds up neither who would suspend it nor who insists', async () => {
    const compute = await create('silent')
    await compute.wake()
    await compute.activity()
    const stopped = await standStill(compute)
    const suspended = compute.suspend()
    const forced = compute.suspend({ force: true })
    await expect(suspended).rejects.toThrow('did not tell')
    for (const { pid } of stopped) sendSignal(pid, 'SIGCONT')
    expect(await forced).toBe('suspended')
    expect(compute.state).toBe('idle')
  })

  test('that dies while it is to be suspended has not been started again for who insists', async () => {
    const compute = await create('insisted')
    await compute.wake()
    await compute.activity()
    const stopped = await standStill(compute)
    const suspended = compute.suspend()
    const forced = compute.suspend({ force: true })
    sendSignal(compute.pid ?? 0, 'SIGKILL')
    await eventually('its end is noticed', () => compute.pid === undefined)
    // Only now does whoever asks it hear that it is gone.
    for (const { pid } of stopped) sendSignal(pid, 'SIGKILL')
    expect(await suspended.catch(() => 'called off')).toBe('called off')
    expect(await forced).toBe('suspended')
    expect(compute.state).toBe('idle')
  })

  test('does not start while it is held, also for those who have waited for another hold', async () => {
    const compute = await create('held')
    await compute.wake()
    let release = (): void => undefined
    let isBegun = false
    const first = compute.whileStopped(async () => {
      isBegun = true
      await new Promise<void>((resolve) => (release = resolve))
    })
    await eventually('it is held', () => isBegun)
    const woken = compute.wake()
    const second = compute.whileStopped(async () => {
      const found = compute.state
      await immediate()
      return [found, compute.state]
    })
    release()
    await first
    expect(await second).toEqual(['idle', 'idle'])
    await woken
    expect(compute.state).toBe('active')
  })

  test('whoever wakes one that is being removed is told so, at every moment of it', async () => {
    const compute = await create('going')
    await compute.wake()
    let isRemoved = false
    const removed = host.remove(compute.spec.endpointId).finally(() => (isRemoved = true))
    const answers = new Set<unknown>()
    while (!isRemoved) {
      await compute.wake().catch((error: { code?: unknown }) => answers.add(error.code))
      await immediate()
    }
    await removed
    await compute.wake().catch((error: { code?: unknown }) => answers.add(error.code))
    expect([...answers]).toEqual(['endpoint_not_found'])
    expect(compute.state).toBe('idle')
  })

  test('changed settings take effect with a restart', async () => {
    const compute = await create('restart')
    await compute.wake()
    const before = compute.pid ?? 0
    await host.put({ ...compute.spec, pgSettings: { work_mem: '77MB' } })
    await compute.restart()
    expect(await identifyProcess(before)).toBeUndefined()
    const sql = await client(compute)
    const [row] = await sql`select current_setting('work_mem') as work_mem`
    expect(row).toEqual({ work_mem: '77MB' })
  })

  test('a role made twice by a repeated step is one role', async () => {
    const compute = await create('repeat')
    const verifier = await createVerifier('pw', { iterations: 1 })
    await createRole(compute, { name: 'same', verifier })
    await createRole(compute, { name: 'same', verifier })
    expect(await compute.verifier('same')).toBe(verifier)
  })
})

/** Stops all processes of a compute where they are, as a disk that does not answer would. */
async function standStill(compute: Compute): Promise<ChildIdentity[]> {
  const processes = await findProcessesIn(compute.spec.dataDirectory)
  for (const { pid } of processes) sendSignal(pid, 'SIGSTOP')
  return processes
}

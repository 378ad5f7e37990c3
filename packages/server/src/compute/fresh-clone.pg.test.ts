import { spawn } from 'node:child_process'
import { readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { Sql } from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { exec } from '../lib/exec.ts'
import type { Compute } from './compute.ts'
import { markFreshClone } from './fresh-clone.ts'
import type { ComputeHost } from './host.ts'
import { createLiveSource } from './live-source.ts'
import { readControlFile } from './pg-control.ts'
import { readPidFile } from './pid-file.ts'
import { findProcessesIn, sendSignal } from './processes.ts'
import { buildTemplate } from './template.ts'
import { type BtrfsPool, createBtrfsPool } from './testing/btrfs-pool.ts'
import { createWorkbench, eventually, majorVersions, type Workbench } from './testing/cluster.ts'
import { createSpec } from './testing/spec.ts'

let bench: Workbench
let pool: BtrfsPool | undefined

beforeAll(async () => {
  bench = await createWorkbench()
  pool = await createBtrfsPool()
})

afterAll(async () => {
  await bench.close()
  await pool?.close()
})

const timelineOf = async (compute: Compute): Promise<number> =>
  compute.withSuperuser('postgres', async (sql) => {
    const [row] = await sql<{ tli: number }[]>`
      select ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int as tli`
    return row?.tli ?? 0
  })

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

describe.each(majorVersions)('a fresh clone of PostgreSQL %d', (majorVersion) => {
  let host: ComputeHost
  let made = 0

  const add = async (dataDirectory: string): Promise<Compute> => {
    made += 1
    const endpointId = `ep-${majorVersion}-${made}`
    return host.put(createSpec(dataDirectory, { pgVersion: majorVersion, endpointId }))
  }

  /** What a power cut leaves: everything is killed at once, and pg_wal holds what was committed. */
  const cutOff = async (compute: Compute): Promise<string> => {
    const { dataDirectory } = compute.spec
    await host.stop()
    const all = await findProcessesIn(dataDirectory)
    for (const { pid } of all.filter((one) => one.pid === compute.pid)) sendSignal(pid, 'SIGSTOP')
    for (const { pid } of all) sendSignal(pid, 'SIGKILL')
    await eventually('all are gone', async () => {
      return (await findProcessesIn(dataDirectory)).length === 0
    })
    const copy = await bench.copyCluster(dataDirectory)
    host = await bench.startHost(`h${majorVersion}-${made}`)
    return copy
  }

  const fill = async (compute: Compute, rows: number): Promise<void> =>
    compute.withSuperuser('postgres', async (sql) => {
      await sql`create table if not exists public.t (id int)`
      await sql`insert into public.t select generate_series(1, ${rows}::int)`
    })

  const count = async (compute: Compute): Promise<number> =>
    compute.withSuperuser('postgres', async (sql) => {
      const [row] = await sql<{ rows: number }[]>`select count(*)::int as rows from public.t`
      return row?.rows ?? 0
    })

  beforeAll(async () => {
    host = await bench.startHost(`h${majorVersion}`)
  })

  test('of a stopped cluster starts as it is', async () => {
    const clone = await bench.createCluster(majorVersion)
    await writeFile(join(clone, 'postmaster.opts'), 'of the parent')
    expect(await markFreshClone(clone, bench.user)).toBe(false)
    expect(await exists(join(clone, 'postmaster.opts'))).toBe(false)
    const compute = await add(clone)
    expect(await timelineOf(compute)).toBe(1)
    await compute.suspend({ force: true })
  })

  test('has all that was committed, on a timeline of its own, and so has a clone of it', async () => {
    const parent = await add(await bench.createCluster(majorVersion))
    await fill(parent, 50_000)
    await parent.withSuperuser('postgres', async (sql) => {
      await sql`select pg_create_physical_replication_slot('held', true)`
    })
    const image = await cutOff(parent)
    const clone = await bench.copyCluster(image)
    expect(await markFreshClone(clone, bench.user)).toBe(true)
    expect(await markFreshClone(clone, bench.user)).toBe(true)
    const first = await add(clone)
    expect(await count(first)).toBe(50_000)
    expect(await timelineOf(first)).toBe(2)
    expect(await readdir(join(clone, 'pg_replslot'))).toEqual([])
    expect(await exists(join(clone, 'standby.signal'))).toBe(false)
    expect(await exists(join(clone, 'promote'))).toBe(false)

    // Some bytes into a new segment of the new timeline.
    await fill(first, 10)
    const second = await cutOff(first)
    expect(await markFreshClone(second, bench.user)).toBe(true)
    const grandchild = await add(second)
    expect(await count(grandchild)).toBe(50_010)
    expect(await timelineOf(grandchild)).toBe(3)

    // The next starts are ordinary.
    await grandchild.suspend({ force: true })
    expect(await count(grandchild)).toBe(50_010)
    expect(await timelineOf(grandchild)).toBe(3)
    await grandchild.suspend({ force: true })
  })

  test('survives being killed at any point of its first start', async () => {
    const parent = await add(await bench.createCluster(majorVersion))
    await fill(parent, 200_000)
    const image = await cutOff(parent)
    for (const afterMs of [1, 15, 30, 50, 80, 130]) {
      const clone = await bench.copyCluster(image)
      await markFreshClone(clone, bench.user)
      const compute = await add(clone)
      const woken = compute.wake()
      woken.catch(() => undefined)
      await eventually('a postmaster is there', () => readPidFile(clone) !== undefined)
      const killAt = performance.now() + afterMs
      await eventually('it is time', () => performance.now() >= killAt)
      for (const { pid } of await findProcessesIn(clone)) sendSignal(pid, 'SIGKILL')
      await woken.catch(() => undefined)
      // Right after the kill the compute may not know yet that its postmaster is gone.
      const counted = async () => compute.wake().then(async () => count(compute))
      await eventually('it runs', async () =>
        counted().then(
          () => true,
          () => false,
        ),
      )
      expect(await count(compute)).toBe(200_000)
      await compute.suspend({ force: true })
      expect((await readControlFile(clone)).state).toBe('shut down')
    }
  })

  test('of a running cluster, copied file by file, is whole', async () => {
    const parent = await add(await bench.createCluster(majorVersion))
    await fill(parent, 1_000)
    const writer = parent.withSuperuser('postgres', async (sql) => keepWriting(sql))
    const source = createLiveSource(parent)
    await source.begin()
    const clone = join(bench.directory, `copy-${majorVersion}`)
    await copyRunning(parent.spec.dataDirectory, clone)
    const files = await source.end()
    await exec('cp', ['-a', `${parent.spec.dataDirectory}/pg_wal/.`, join(clone, 'pg_wal')])
    await source.release()
    await source.release()
    for (const [name, content] of Object.entries(files)) {
      await writeFile(join(clone, name), content)
      if (bench.user)
        await exec('chown', [`${bench.user.uid}:${bench.user.gid}`, join(clone, name)])
    }
    const written = await writer
    expect(await markFreshClone(clone, bench.user)).toBe(true)
    const compute = await add(clone)
    const rows = await count(compute)
    expect(rows).toBeGreaterThanOrEqual(1_000)
    expect(rows).toBeLessThanOrEqual(written)
    expect(await timelineOf(compute)).toBe(2)
    const slots = await parent.withSuperuser(
      'postgres',
      async (sql) => sql`select from pg_replication_slots`,
    )
    expect(slots).toHaveLength(0)
    await compute.suspend({ force: true })
    await parent.suspend({ force: true })
  })

  test('of a running cluster, as a snapshot under load, keeps the books of pgbench', async ({
    skip,
  }) => {
    if (pool === undefined) {
      skip('needs root, loop devices and btrfs-progs')
      return
    }
    const volume = await pool.createVolume(`parent-${majorVersion}`, bench.user)
    const installation = bench.installations.find((one) => one.majorVersion === majorVersion)
    if (installation === undefined) throw new Error('it was found before')
    const dataDirectory = join(volume, 'pgdata')
    await buildTemplate({ installation, directory: dataDirectory, user: bench.user })
    const parent = await add(dataDirectory)
    const { socketPath } = await parent.wake()
    const at = ['-h', socketPath.slice(0, socketPath.lastIndexOf('/')), '-U', 'cloud_admin']
    await exec('pgbench', ['-i', '-q', '-s', '4', ...at, 'postgres'])
    const load = spawn('pgbench', ['-n', '-c', '4', '-T', '60', ...at, 'postgres'], {
      stdio: 'ignore',
    })
    try {
      for (const generation of [1, 2, 3]) {
        await eventually('there is work', async () => (await history(parent)) > generation * 100)
        const snapshot = await pool.snapshot(volume, `clone-${majorVersion}-${generation}`)
        const clone = join(snapshot, 'pgdata')
        await markFreshClone(clone, bench.user)
        const compute = await add(clone)
        expect(await books(compute)).toMatchObject({ differs: false })
        expect(await timelineOf(compute)).toBe(2)
        await checkAllPages(compute)
        await compute.suspend({ force: true })
      }
    } finally {
      const ended = new Promise((resolve) => load.once('exit', resolve))
      load.kill()
      await ended
    }
    await host.remove(parent.spec.endpointId)
  })
})

/** Inserts one row after another for about a second; answers how many there are at the end. */
async function keepWriting(sql: Sql): Promise<number> {
  const end = performance.now() + 1_500
  while (performance.now() < end) await sql`insert into public.t values (0)`
  const [row] = await sql<{ rows: number }[]>`select count(*)::int as rows from public.t`
  return row?.rows ?? 0
}

/** Files come and go under a running server: one that has gone is none that the copy needs. */
async function copyRunning(from: string, to: string): Promise<void> {
  await exec('cp', ['-a', from, to]).catch((error: unknown) => {
    if (!(error instanceof Error) || !error.message.includes('No such file')) throw error
  })
}

async function history(compute: Compute): Promise<number> {
  return compute.withSuperuser('postgres', async (sql) => {
    const [row] = await sql<{ rows: number }[]>`
      select count(*)::int as rows from public.pgbench_history`
    return row?.rows ?? 0
  })
}

/** Every transaction adds one amount to an account, a teller, a branch and the history. */
async function books(compute: Compute): Promise<{ differs: boolean }> {
  return compute.withSuperuser('postgres', async (sql) => {
    const [row] = await sql<{ a: string; b: string; t: string; h: string }[]>`
      select
        (select sum(abalance) from public.pgbench_accounts)::text as a,
        (select sum(bbalance) from public.pgbench_branches)::text as b,
        (select sum(tbalance) from public.pgbench_tellers)::text as t,
        (select sum(delta) from public.pgbench_history)::text as h`
    return { differs: new Set(Object.values(row ?? { missing: '' })).size !== 1, ...row }
  })
}

/** Compares an index with its table, which reads both: each page's checksum is verified on the way. */
async function checkAllPages(compute: Compute): Promise<void> {
  await compute.withSuperuser('postgres', async (sql) => {
    await sql`create extension if not exists amcheck schema public`
    await sql`select public.bt_index_check('public.pgbench_accounts_pkey'::regclass, true)`
  })
}

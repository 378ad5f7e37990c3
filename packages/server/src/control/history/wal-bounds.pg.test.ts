import type { Sql } from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { Compute } from '../../compute/compute.ts'
import type { ComputeHost } from '../../compute/host.ts'
import { findProcessesIn, sendSignal } from '../../compute/processes.ts'
import { createWorkbench, majorVersions, type Workbench } from '../../compute/testing/cluster.ts'
import { createSpec } from '../../compute/testing/spec.ts'
import { must } from '../../lib/assert.ts'
import { parseLsn } from '../../lib/lsn.ts'
import { until } from '../../testing/until.ts'
import { readRestingEnd } from './wal-bounds.ts'

/** Where a cluster's WAL ends, against where PostgreSQL's own recovery then goes on. */
let bench: Workbench
let host: ComputeHost

beforeAll(async () => {
  bench = await createWorkbench()
  host = await bench.startHost()
})

afterAll(async () => {
  await host?.stop({ suspendComputes: true })
  await bench?.close()
})

/** The last commit is on disk; what was not waited for may be cut off in the middle. */
const lastCommit = `select pg_logical_emit_message(true, 'test', 'the end')`

const statements = [
  `create table if not exists public.t (id int, payload text)`,
  `insert into public.t select n, repeat('x', n % 300) from generate_series(1, 3000) n`,
  `select pg_switch_wal()`,
  `select pg_logical_emit_message(true, 'test', repeat('y', 300000))`,
  `select pg_logical_emit_message(false, 'test', repeat('z', 5000000))`,
  `checkpoint`,
  `select pg_logical_emit_message(true, 'test', repeat('y', 8000))`,
]

async function kill(compute: Compute): Promise<void> {
  const { dataDirectory } = compute.spec
  const all = await findProcessesIn(dataDirectory)
  for (const { pid } of all.filter((one) => one.pid === compute.pid)) sendSignal(pid, 'SIGSTOP')
  for (const { pid } of all) sendSignal(pid, 'SIGKILL')
  await until(async () => (await findProcessesIn(dataDirectory)).length === 0)
}

describe.each(majorVersions)('PostgreSQL %d', (majorVersion) => {
  test('a cluster that was killed, or stopped, goes on where its WAL was found to end', async () => {
    const dataDirectory = await bench.createCluster(majorVersion)
    for (let round = 0; round < statements.length; round++) {
      const writer = await host.put(
        createSpec(dataDirectory, {
          pgVersion: majorVersion,
          endpointId: `ep-${majorVersion}-${round}`,
        }),
      )
      await writer.withSuperuser('postgres', async (sql) => {
        for (const statement of [...statements.slice(0, round + 1), lastCommit])
          await sql.unsafe(statement)
      })
      const position = await writer.withSuperuser('postgres', flushed)
      const isKilled = round % 3 !== 2
      await host.stop({ suspendComputes: !isKilled })
      if (isKilled) await kill(writer)
      const end = await readRestingEnd(dataDirectory)
      expect(end).toBeGreaterThanOrEqual(position)
      expect(await readRestingEnd(dataDirectory, position)).toBe(end)
      host = await bench.startHost(`host-${majorVersion}-${round}`)
      const next = await host.put(
        createSpec(dataDirectory, {
          pgVersion: majorVersion,
          endpointId: `ep-${majorVersion}-next`,
        }),
      )
      const [row] = await next.withSuperuser(
        'postgres',
        async (sql) => sql<{ lsn: string }[]>`
          select ${isKilled ? sql`checkpoint_lsn` : sql`pg_current_wal_insert_lsn()`}::text as lsn
          from pg_control_checkpoint()`,
      )
      const resumed = must(parseLsn(row?.lsn ?? ''), 'PostgreSQL tells an LSN')
      expect(resumed - end).toBeGreaterThanOrEqual(0n)
      // After a page's header, or the note that a record was cut short; after what a start writes.
      const [most, mostOnPage] = isKilled ? [40n, 88n] : [200n, 0n]
      expect(resumed - end <= most || resumed % 8192n <= mostOnPage).toBe(true)
      await host.stop({ suspendComputes: true })
      host = await bench.startHost(`host-${majorVersion}-${round}-after`)
    }
  })
})

async function flushed(sql: Sql): Promise<bigint> {
  const [row] = await sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn()::text as lsn`
  return must(parseLsn(row?.lsn ?? ''), 'PostgreSQL tells an LSN')
}

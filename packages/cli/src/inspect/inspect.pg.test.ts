import { diagnostics } from '@coppice/api/client'
import {
  findInstallations,
  startPostgres,
  type TestPostgres,
} from '@coppice/migrate/testing/postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { type Bench, startBench } from '../testing/cli.ts'

const installations = await findInstallations()

test('there is a PostgreSQL to ask', () => {
  expect(installations.length).toBeGreaterThan(0)
})

describe.each(installations)('inspect db with %s', (binDirectory) => {
  let postgres: TestPostgres
  let bench: Bench

  beforeAll(async () => {
    postgres = await startPostgres(binDirectory)
    await fill(postgres)
  })
  afterAll(async () => postgres.stop())
  beforeEach(async () => {
    bench = await startBench()
  })
  afterEach(async () => bench.stop())

  async function inspect(name: string): Promise<Array<Record<string, unknown>>> {
    const { code, stdout, stderr } = await inspectWith(name, '-o', 'json')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    return JSON.parse(stdout)
  }
  const inspectWith = async (name: string, ...argv: string[]) =>
    bench.run('inspect', 'db', name, '--db-url', postgres.uri('shop'), ...argv)

  test.each(diagnostics)('$name can be asked, in a table too', async ({ name }) => {
    expect(Array.isArray(await inspect(name))).toBe(true)
    const table = await inspectWith(name)
    expect(table).toMatchObject({ code: 0, stdout: expect.stringMatching(/\S/) })
    expect(bench.api.requests).toEqual([])
  })

  test('sizes are of this database, the largest first', async () => {
    const [first] = await inspect('table-sizes')
    expect(first).toEqual({
      schema: 'public',
      name: 'bloated',
      size: expect.stringMatching(/ kB$/),
    })
    expect(await inspect('index-sizes')).toContainEqual(
      expect.objectContaining({ schema: 'public', name: 'orders_note' }),
    )
    expect((await inspect('database-sizes')).map((row) => row['name'])).toContain('shop')
  })

  test('an index that nothing uses is told, one that guards a constraint is not', async () => {
    const rows = await inspect('unused-indexes')
    expect(rows).toContainEqual({
      table: 'public.orders',
      index: 'orders_note',
      index_size: expect.any(String),
      index_scans: '0',
    })
    const names = rows.map((row) => row['index'])
    expect(names.filter((name) => /pkey|excl/.test(String(name)))).toEqual([])
  })

  test('bloat is near 1 where tables are packed, and finds what was deleted', async () => {
    const rows = await inspect('bloat')
    const bloatOf = (name: string) =>
      Number(rows.find((row) => row['object_name'] === name)?.['bloat'])
    expect(rows[0]).toMatchObject({ object_name: 'bloated', schema: 'public', type: 'table' })
    expect(bloatOf('bloated')).toBeGreaterThan(5)
    for (const packed of ['orders', 'orders_pkey', 'orders_note']) {
      expect([packed, bloatOf(packed) > 0.7 && bloatOf(packed) < 1.5]).toEqual([packed, true])
    }
  })

  test('vacuum is due where dead rows are past the threshold of the table', async () => {
    expect(await inspect('vacuum-stats')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ table: 'dirty', expect_autovacuum: 'yes', dead_rowcount: '20' }),
        expect.objectContaining({ table: 'orders', expect_autovacuum: 'no', rowcount: '5000' }),
      ]),
    )
  })

  test('queries are ranked by what they took, within this database', async () => {
    const statement = expect.stringContaining('pg_sleep')
    const [slowest] = await inspect('slow-queries')
    expect(slowest).toMatchObject({ query: statement, ncalls: '1' })
    const [first] = await inspect('outliers')
    expect(first).toMatchObject({
      query: statement,
      prop_exec_time: expect.stringMatching(/^\d+.*%$/),
    })
    expect(first?.['total_exec_time']).toMatch(/^00:00:00\.[2-9]/)
    const [often] = await inspect('calls')
    expect(often).toMatchObject({ ncalls: '7', query: expect.stringContaining('count') })
    const queries = (await inspect('calls')).map((row) => row['query']).join()
    expect(queries).not.toMatch(/elsewhere|pg_extension|pg_stat_statements /)
  })

  test('a database without the extension is told how to get it', async () => {
    const argv = ['inspect', 'db', 'outliers', '--db-url', postgres.uri('postgres')]
    const { code, stderr } = await bench.run(...argv)
    expect(code).toBe(1)
    expect(stderr).toContain('CREATE EXTENSION pg_stat_statements')
  })

  test('who waits for whom is seen while it lasts', async () => {
    const holder = await postgres.sql('shop').reserve()
    await holder`begin`
    await holder`lock table orders in access exclusive mode`
    const waiting = postgres.sql('shop')`select count(*) from orders`.execute()
    try {
      await expect
        .poll(async () => inspect('locks'), { timeout: 10_000 })
        .toContainEqual(
          expect.objectContaining({ relname: 'orders', granted: 'f', mode: 'AccessShareLock' }),
        )
      const sessions = await inspect('connections')
      expect(sessions).toContainEqual(
        expect.objectContaining({ database: 'shop', role: 'postgres', idle_in_transaction: '1' }),
      )
    } finally {
      await holder`rollback`
      await waiting
      holder.release()
    }
  })

  test('a transaction that has been open for long is told, also one that is only prepared', async () => {
    const rows = await inspect('long-transactions')
    expect(rows).toEqual([])
    const { sql: usual = '' } = diagnostics.find(({ name }) => name === 'long-transactions') ?? {}
    const soon = usual.replace("interval '1 minute'", "interval '0 s'")
    const holder = await postgres.sql('shop').reserve()
    try {
      await holder`begin`
      await holder`select 1`
      expect(await postgres.sql('postgres').unsafe(soon)).toMatchObject([
        { database: 'shop', role: 'postgres', state: 'idle in transaction', query: 'select 1' },
      ])
    } finally {
      await holder`rollback`
      holder.release()
    }
  })

  test('a slot that nobody reads falls behind', async () => {
    expect(await inspect('replication-slots')).toEqual([
      {
        slot_name: 'unread',
        slot_type: 'logical',
        slot_kind: 'logical',
        status: 'inactive',
        client_addr: null,
        restart_lsn: expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/),
        confirmed_flush_lsn: expect.any(String),
        replication_lag: expect.any(String),
      },
    ])
  })

  test('nothing can be changed by it', async () => {
    const { openSql } = await import('../sql-connection.ts')
    const write = openSql(postgres.uri('shop'), async (sql) => sql`create table x ()`)
    await expect(write).rejects.toThrow('read-only transaction')
  })

  test('a database that is not there is an error without the connection string', async () => {
    const { code, stderr } = await bench.run(
      'inspect',
      'db',
      'calls',
      '--db-url',
      postgres.uri('gone'),
    )
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^ERROR: PostgreSQL refused, .*"gone" does not exist\n$/),
    })
  })
})

async function fill(postgres: TestPostgres): Promise<void> {
  const outside = postgres.sql('postgres')
  await outside.unsafe('create database shop')
  const sql = postgres.sql('shop')
  await sql.unsafe(`
    create schema extensions;
    create extension pg_stat_statements schema extensions;
    create table orders (id int primary key, note text, during int4range,
      exclude using gist (during with &&));
    create index orders_note on orders (note);
    create table bloated (id int, filler text);
    alter table bloated set (autovacuum_enabled = off);
    create table dirty (id int);
    alter table dirty set (autovacuum_enabled = off, autovacuum_vacuum_threshold = 10,
      autovacuum_vacuum_scale_factor = 0);
    insert into orders select n, 'note ' || n, null from generate_series(1, 5000) n;
    insert into bloated select n, repeat('x', 100) from generate_series(1, 20000) n;
    insert into dirty select generate_series(1, 20)`)
  await sql.unsafe('delete from bloated where id > 1000')
  await sql.unsafe('vacuum orders')
  await sql.unsafe('reindex table orders')
  await sql.unsafe('analyze')
  await sql.unsafe('delete from dirty')
  await sql.unsafe("select pg_create_logical_replication_slot('unread', 'pgoutput')")
  await sql.unsafe('select extensions.pg_stat_statements_reset()')
  await sql.unsafe('select pg_sleep(0.3)')
  for (let at = 0; at < 7; at++) await sql.unsafe('select count(*) from dirty')
  await outside.unsafe('select 1 as elsewhere')
  // What a session has counted is told at its end at the latest.
  await sql.end()
}

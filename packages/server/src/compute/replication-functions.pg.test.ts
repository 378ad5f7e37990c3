import type { Sql } from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { outputPlugins, platformSlotPrefix } from '../lib/replication-slots.ts'
import { bootstrapCluster } from './bootstrap.ts'
import type { Compute } from './compute.ts'
import { createDatabase } from './databases.ts'
import { createRole, grantReplication } from './roles.ts'
import type { Cluster } from './superuser.ts'
import { connectAs, owner, ownerBootstrap } from './testing/clients.ts'
import { createWorkbench, majorVersions, type Workbench } from './testing/cluster.ts'
import { createSpec } from './testing/spec.ts'

let bench: Workbench

beforeAll(async () => {
  bench = await createWorkbench()
})

afterAll(async () => bench.close())

/** No library: PostgreSQL would say so if it had tried. */
const file = '/etc/hosts'

const history = `${platformSlotPrefix}history`

describe.each(majorVersions)('a role with REPLICATION, PostgreSQL %d', (majorVersion) => {
  let compute: Compute
  let sql: Sql

  const open = async (database: string): Promise<Sql> =>
    connectAs((await compute.wake()).socketPath, { ...owner, database })

  const inDatabase = async <T>(database: string, work: (own: Sql) => Promise<T>): Promise<T> => {
    const own = await open(database)
    try {
      return await work(own)
    } finally {
      await own.end()
    }
  }

  beforeAll(async () => {
    const host = await bench.startHost(`host-${majorVersion}`)
    const dataDirectory = await bench.createCluster(majorVersion)
    compute = await host.put(
      createSpec(dataDirectory, {
        pgVersion: majorVersion,
        endpointId: `ep-${majorVersion}`,
        logicalReplication: true,
      }),
    )
    await bootstrapCluster(compute, { ...(await ownerBootstrap()), replication: true })
    sql = await open(owner.database)
  })

  afterAll(async () => {
    await sql?.end()
    await compute?.suspend({ force: true })
  })

  beforeEach(async () => {
    await sql`
      select pg_drop_replication_slot(slot_name) from pg_replication_slots
      where slot_name not like 'coppice%'`
  })

  const refused = /violates check constraint "only pgoutput, test_decoding, wal2json, decoderbufs"/

  async function expectPluginsRefused(own: Sql): Promise<void> {
    await own`select pg_create_logical_replication_slot('source', 'pgoutput')`
    for (const statement of [
      `select pg_create_logical_replication_slot('a', '${file}')`,
      `select * from pg_create_logical_replication_slot('a', '${file}', true)`,
      `select pg_create_logical_replication_slot(plugin => '${file}', slot_name => 'a')`,
      `select pg_create_logical_replication_slot('a', n) from (select '${file}'::name as n) x`,
      `select pg_create_logical_replication_slot('a', n) from (select '${file}'::text as n) x`,
      `select pg_create_logical_replication_slot('a', '$libdir/pgoutput')`,
      `select pg_create_logical_replication_slot('a', 'PGOUTPUT')`,
      `select pg_copy_logical_replication_slot('source', 'b', false, '${file}')`,
      `do $$ begin perform pg_create_logical_replication_slot('a', '${file}'); end $$`,
      `prepare p as select pg_create_logical_replication_slot('a', $1); execute p('${file}')`,
    ]) {
      await expect(own.unsafe(statement)).rejects.toThrow(refused)
      await own.unsafe('deallocate all')
    }
    await expect(
      own.unsafe(`select pg_create_logical_replication_slot($1, $2)`, ['a', file]),
    ).rejects.toThrow(refused)
    // The only other statement that names a library.
    await expect(own.unsafe(`load '${file}'`)).rejects.toThrow('is not allowed')
    await own`select pg_drop_replication_slot('source')`
  }

  test('names no file for an output plugin', async () => {
    await expectPluginsRefused(sql)
    await sql`create database copied template template0`
    for (const database of ['postgres', 'copied']) await inDatabase(database, expectPluginsRefused)
  })

  test.each(['pgoutput', 'test_decoding'])(
    'makes, copies, moves and drops slots of %s',
    async (plugin) => {
      const [slot] = await sql`select * from pg_create_logical_replication_slot('s', ${plugin})`
      expect(slot).toEqual({ slot_name: 's', lsn: expect.stringMatching(/^\w+\/\w+$/) })
      expect(await sql`select pg_copy_logical_replication_slot('s', 't', false)`).toHaveLength(1)
      expect(
        await sql`select pg_copy_logical_replication_slot('s', 'u', false, ${plugin})`,
      ).toHaveLength(1)
      await sql`select pg_replication_slot_advance('t', pg_current_wal_lsn())`
      for (const name of ['s', 't', 'u']) await sql`select pg_drop_replication_slot(${name})`
    },
  )

  test('reads changes', async () => {
    await sql`select pg_create_logical_replication_slot('s', 'test_decoding')`
    await sql`create table seen (id int)`
    await sql`insert into seen values (7)`
    const changes = await sql<{ data: string }[]>`
      select data from pg_logical_slot_get_changes('s', null, null)`
    expect(changes.map(({ data }) => data).join()).toContain('id[integer]:7')
    await sql`drop table seen`
  })

  test('looks for the others of the list where PostgreSQL is alone', async () => {
    for (const plugin of outputPlugins.slice(2)) {
      await expect(
        sql.unsafe(`select pg_create_logical_replication_slot('s', '${plugin}')`),
      ).rejects.toThrow(`could not access file "${plugin}"`)
    }
  })

  test('neither drops nor moves nor makes a slot of the platform’s', async () => {
    const slots = async () =>
      sql`select slot_name, slot_type, restart_lsn from pg_replication_slots order by 1`
    const platform = await compute.openSuperuser()
    try {
      await platform.sql`select pg_create_physical_replication_slot(${history}, true)`
      await platform.sql`select pg_switch_wal()`
      const before = await slots()
      for (const statement of [
        `select pg_drop_replication_slot('${history}')`,
        `select pg_drop_replication_slot(slot_name) from pg_replication_slots`,
        `select pg_replication_slot_advance('${history}', pg_current_wal_lsn())`,
        `select pg_copy_physical_replication_slot('${history}', 'mine')`,
        `select pg_copy_physical_replication_slot('mine', '${platformSlotPrefix}copy')`,
        `select pg_create_physical_replication_slot('${platformSlotPrefix}other', true)`,
        `select pg_create_logical_replication_slot('${platformSlotPrefix}other', 'pgoutput')`,
        `select pg_copy_logical_replication_slot('mine', '${platformSlotPrefix}other')`,
      ]) {
        await expect(sql.unsafe(statement)).rejects.toThrow(
          'slots named coppice_… are the platform’s',
        )
      }
      expect(await slots()).toEqual(before)
      await platform.sql`select pg_replication_slot_advance(${history}, pg_current_wal_lsn())`
    } finally {
      await platform.sql`select pg_drop_replication_slot(${history})`
      await platform.close()
    }
  })

  test('a role without it makes no slot', async () => {
    await sql`create role plain`
    await sql.unsafe(`grant plain to current_user`)
    await sql.unsafe('set role plain')
    await expect(sql`select pg_create_logical_replication_slot('s', 'pgoutput')`).rejects.toThrow(
      /permission denied to use replication slots|must be superuser or replication role/,
    )
    await sql.unsafe('reset role')
    await sql`drop role plain`
  })

  test('is held to it in a cluster that is older, whatever it has prepared there', async () => {
    await createDatabase(compute, { name: 'held', owner: owner.role })
    await createDatabase(compute, { name: 'shut', owner: owner.role })
    for (const database of ['postgres', 'held', 'shut', 'template1']) {
      await compute.withSuperuser(database, unguard)
    }
    await sql`alter database shut allow_connections false`
    const held = await open('held')
    try {
      await held.unsafe(`prepare p as select pg_create_logical_replication_slot('a', '${file}')`)
      await held.unsafe(`
        create function public.parsed() returns void begin atomic
          select pg_create_logical_replication_slot('a', '${file}'); end`)
      const tried = /could not load library/
      for (const statement of ['execute p', 'select parsed()']) {
        await expect(held.unsafe(statement)).rejects.toThrow(tried)
      }
      const broken: Cluster = {
        socketDirectory: async () => compute.socketDirectory(),
        withSuperuser: async (database, work) => {
          if (database === 'held') throw new Error('no way in')
          return compute.withSuperuser(database, work)
        },
      }
      const born = { name: 'born', verifier: null, replication: true }
      await expect(createRole(broken, born)).rejects.toThrow('no way in')
      await expect(grantReplication(broken)).rejects.toThrow('no way in')
      const [role] = await sql`select rolreplication from pg_roles where rolname = current_user`
      expect(role).toEqual({ rolreplication: false })
      await grantReplication(compute)
      await grantReplication(compute)
      for (const statement of ['execute p', 'select parsed()']) {
        await expect(held.unsafe(statement)).rejects.toThrow(
          /violates check constraint|function with OID \d+ does not exist|cache lookup failed/,
        )
      }
      await expectPluginsRefused(held)
    } finally {
      await held.end()
    }
    const closed = await sql`select datname from pg_database where not datallowconn order by 1`
    expect([...closed]).toEqual([{ datname: 'shut' }, { datname: 'template0' }])
    await sql`alter database shut allow_connections true`
    for (const database of ['shut', 'postgres']) await inDatabase(database, expectPluginsRefused)
  })
})

/** As PostgreSQL has it. */
async function unguard(sql: Sql): Promise<void> {
  await sql`
    update pg_proc p set
      proargtypes = (
        select string_agg((case when type::regtype::text like 'coppice%' then 'name'::regtype
          else type end)::oid::text, ' ' order by i)
        from unnest(p.proargtypes::oid[]) with ordinality as argument (type, i))::oidvector
    where exists (
      select from unnest(p.proargtypes::oid[]) as type where type::regtype::text like 'coppice%')`
  await sql`drop domain pg_catalog.coppice_output_plugin, pg_catalog.coppice_slot_name`
}

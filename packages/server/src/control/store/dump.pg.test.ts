import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { must } from '../../lib/assert.ts'
import {
  findInstallations,
  startThrowawayPostgres,
  type ThrowawayPostgres,
} from '../../testing/throwaway-postgres.ts'
import { dumpTables, loadTables, readDump } from './dump.ts'
import { migrateStore, newestMigration, openStore, type Store } from './store.ts'

/** Rows of a store, written with an older schema, in another store with this one's. */
let postgres: ThrowawayPostgres
let directory: string
const stores: Store[] = []

beforeAll(async () => {
  const newest = must((await findInstallations()).at(-1), 'there is a PostgreSQL')
  postgres = await startThrowawayPostgres(newest)
  directory = await mkdtemp(join(tmpdir(), 'dump-'))
})

afterAll(async () => {
  for (const store of stores) await store.end()
  await postgres?.stop()
  await rm(directory, { recursive: true, force: true })
})

async function makeStore(name: string): Promise<Store> {
  await postgres.sql(`create database ${name}`)
  const { socketDirectory } = postgres
  const store = openStore({ socketDirectory, username: 'postgres', database: name })
  stores.push(store)
  return store
}

/** As the first release with backups wrote it. */
const older = 10

test('rows of an older schema are loaded and brought up to this one', async () => {
  const from = await makeStore('older')
  await migrateStore(from, older)
  await from`insert into platform (id) values ('a-platform')`
  await from`insert into projects (id, name, region_id, pg_version, settings)
    values ('p', ${'tab\there \\ "quoted" ä'}, 'local', 18, ${from.json({ a: ['\n', null] })})`
  // A child before its parent, as rows of one table may lie.
  await from`insert into branches (id, project_id, name, volume_id, ready_at)
    values ('child', 'p', 'child', 'v2', now()), ('parent', 'p', 'parent', 'v1', null)`
  await from`update branches set parent_id = 'parent' where id = 'child'`
  await from`insert into api_keys (name, key_hash) values ('one', ${Buffer.from([0, 10, 92, 255])})`
  const dump = await from.begin('isolation level repeatable read read only', async (sql) =>
    dumpTables(sql, directory),
  )
  expect(dump.schema_version).toBe(older)

  const to = await makeStore('newer')
  await migrateStore(to, dump.schema_version)
  await to`insert into platform (id) values ('another')`
  const read = await readDump(directory)
  await to.begin(async (sql) => loadTables(sql, directory, read))
  await migrateStore(to)
  for (const table of ['platform', 'projects', 'branches', 'api_keys']) {
    const rows = async (store: Store) => store`select * from ${store(table)} order by 1`
    const loaded = await rows(to)
    expect(loaded.length).toBeGreaterThan(0)
    for (const [index, row] of (await rows(from)).entries()) {
      expect(loaded[index]).toMatchObject(row)
    }
  }
  await to`insert into api_keys (name, key_hash) values ('two', 'x')`
  expect((await to`select id from api_keys order by id`).map(({ id }) => id as number)).toEqual([
    1, 2,
  ])
})

test('a store of a newer release is refused as it is', async () => {
  const store = await makeStore('future')
  await migrateStore(store, older)
  const version = (await newestMigration()) + 1
  await store`insert into schema_version (version, name, md5) values (${version}, 'later', '')`
  await expect(migrateStore(store)).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringContaining(`state version ${version}`),
  })
  const [row] = await store`select max(version)::integer as version from schema_version`
  expect(row).toEqual({ version })
})

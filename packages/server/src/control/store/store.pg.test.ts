import { expect, onTestFinished, test } from 'vitest'

import {
  findInstallations,
  startThrowawayPostgres,
  type ThrowawayPostgres,
} from '../../testing/throwaway-postgres.ts'
import { until } from '../../testing/until.ts'
import { listenToChanges } from './changes.ts'
import {
  migrateStore,
  newestMigration,
  openRenewable,
  openStore,
  schemaTable,
  type Store,
  type StoreAddress,
} from './store.ts'

const connections = 10

async function startServer(): Promise<ThrowawayPostgres> {
  const [installation] = (await findInstallations()).toReversed()
  if (installation === undefined) throw new Error('there is no PostgreSQL here')
  return startThrowawayPostgres(installation)
}

const addressOf = ({ socketDirectory }: ThrowawayPostgres): StoreAddress => ({
  socketDirectory,
  username: 'postgres',
  database: 'postgres',
})

/** On a server of its own, until the test is over. */
async function startStore(): Promise<Store> {
  const server = await startServer()
  const store = openStore(addressOf(server))
  onTestFinished(async () => {
    await store.end({ timeout: 0 })
    await server.stop()
  })
  return store
}

test('when the connections have been ended, every query works on the new ones', async () => {
  const server = await startServer()
  const { store, renew } = openRenewable(addressOf(server))
  onTestFinished(async () => {
    await store.end({ timeout: 0 })
    await server.stop()
  })
  const ask = async (): Promise<void> => {
    const uses = Array.from({ length: connections * 2 }, async () => store`select pg_sleep(0.05)`)
    await Promise.all(uses)
  }
  await ask()
  const using = Promise.allSettled(
    Array.from({ length: connections }, async () => store`select pg_sleep(60)`),
  )
  await until(async () => {
    const [row] = await server.sql<{ n: string }>(
      "select count(*)::text as n from pg_stat_activity where query like '%pg_sleep(60)%' and state = 'active' and pid <> pg_backend_pid()",
    )
    return row?.n === String(connections)
  })
  // As one that dies does, with its last words.
  await server.sql(
    "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(60)%' and pid <> pg_backend_pid()",
  )
  await renew()
  await using
  await ask()
  await store.begin(async (sql) => {
    expect([...(await sql`select 7 as n`)]).toEqual([{ n: 7 }])
  })
  const rows = await store`select ${store`1 + 1`} as two`
  expect([...rows]).toEqual([{ two: 2 }])
})

test('a migration that is cut off leaves nothing behind, and the next one goes through', async () => {
  const store = await startStore()
  const schema = async (): Promise<unknown[]> => [
    ...(await store`
      select table_name, column_name from information_schema.columns
      where table_schema = 'public' order by 1, 2`),
  ]
  const newest = await newestMigration()
  await migrateStore(store, newest - 2)
  const before = await schema()
  // Cut off where the script of the last one has run, and nobody has noted it.
  await store.unsafe(`
    create function cut_off() returns trigger language plpgsql as $$
      begin raise 'cut off'; end $$;
    create trigger cut_off before insert on ${schemaTable}
      for each row when (new.version = ${newest}) execute function cut_off()`)
  await expect(migrateStore(store)).rejects.toThrow('cut off')
  expect(await schema()).toEqual(before)
  await store.unsafe(`drop trigger cut_off on ${schemaTable}`)
  // Also by several at once.
  await Promise.all([migrateStore(store), migrateStore(store)])
  expect(await schema()).not.toEqual(before)
  const [row] = await store`select max(version) as version from ${store(schemaTable)}`
  expect(row).toEqual({ version: newest })
})

test('texts go into arrays and come back as they are', async () => {
  const store = await startStore()
  const texts = [
    'plain',
    '',
    'null',
    'NULL',
    'a, b',
    '{}',
    'a "quoted" \\ one',
    '\t\n',
    'größe',
    ' ',
  ]
  for (const given of [texts, []]) {
    const [row] = await store`
      select ${given}::text[] as texts, cardinality(${given}::text[]) as count`
    expect(row).toEqual({ texts: given, count: given.length })
  }
  const [row] = await store`
    select 'plain' = any (${texts}) as is_one, 'none' = any (${texts}) as is_none`
  expect(row).toEqual({ is_one: true, is_none: false })
})

test('changes are heard again, however often and however soon the connection is ended', async () => {
  const server = await startServer()
  const heard: string[] = []
  let begun = 0
  const stop = await listenToChanges(
    addressOf(server),
    (payload) => heard.push(payload),
    () => begun++,
  )
  onTestFinished(async () => {
    await stop()
    await server.stop()
  })
  const end = async (): Promise<unknown> =>
    server.sql(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'coppice'",
    )
  for (let round = 1; round <= 3; round++) {
    const before = begun
    for (let time = 0; time < 20; time++) await end()
    await until(async () => begun > before)
    await server.sql(`notify coppice_changes, 'round ${round}'`)
    await until(async () => heard.includes(`round ${round}`))
  }
})

import { expect, onTestFinished, test } from 'vitest'

import { findInstallations, startThrowawayPostgres } from '../../testing/throwaway-postgres.ts'
import { until } from '../../testing/until.ts'
import { openRenewable } from './store.ts'

const connections = 10

test('when the connections have been ended, every query works on the new ones', async () => {
  const [installation] = (await findInstallations()).toReversed()
  if (installation === undefined) throw new Error('there is no PostgreSQL here')
  const server = await startThrowawayPostgres(installation)
  const { store, renew } = openRenewable({
    socketDirectory: server.socketDirectory,
    username: 'postgres',
    database: 'postgres',
  })
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

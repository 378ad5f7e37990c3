import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import {
  findInstallations,
  startThrowawayPostgres,
  type ThrowawayPostgres,
} from '../packages/server/src/testing/throwaway-postgres.ts'
import { psql, run, startTestPlatform, type TestPlatform, until } from './platform.ts'

/** A platform whose rows are in somebody else's PostgreSQL, on a loopback address of the test's own. */
const address = `127.78.${process.pid % 250}.${1 + (Math.trunc(process.pid / 250) % 250)}`

let store: ThrowawayPostgres
let platform: TestPlatform

beforeAll(async () => {
  const [installation] = (await findInstallations()).toReversed()
  if (installation === undefined) throw new Error('there is no PostgreSQL here')
  store = await startThrowawayPostgres(installation)
  await appendFile(join(store.dataDirectory, 'pg_hba.conf'), `host all all ${address}/8 trust\n`)
  await store.sql(`alter system set listen_addresses = '${address}'`)
  await store.sql('alter system set synchronous_commit = on')
  await store.halt()
  await store.start()
  platform = await startTestPlatform({
    env: { COPPICE_DATABASE_URL: `postgres://postgres@${address}/postgres` },
  })
})

afterAll(async () => {
  await platform?.remove()
  await store?.stop()
})

/** As many at once as take all connections to the store. */
async function askAtOnce(): Promise<PromiseSettledResult<unknown>[]> {
  const { client, projectId } = platform
  const path = { project_id: projectId }
  return Promise.allSettled(
    Array.from({ length: 40 }, async () => client.listProjectBranches({ path, query: {} })),
  )
}

const failed = (answers: PromiseSettledResult<unknown>[]): unknown[] =>
  answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []))

/**
 * Calls go on, many at once, while that happens to the server: connections of the driver that are lost
 * at a wrong moment of their use never work again (porsager/postgres#1215).
 */
async function askDuring(happens: () => Promise<unknown>): Promise<void> {
  let isOver = false
  const asking = Array.from({ length: 4 }, async () => {
    while (!isOver) await askAtOnce()
  })
  await askAtOnce()
  await happens()
  isOver = true
  await Promise.all(asking)
}

test.for<[NodeJS.Signals]>([['SIGINT'], ['SIGQUIT'], ['SIGKILL']])(
  'when its server has been away (%s), every call works again',
  async ([signal]) => {
    await askDuring(async () => store.halt(signal))
    for (const problem of failed(await askAtOnce()))
      expect(problem).toMatchObject({ code: 'store_unavailable' })
    expect(await psql(platform.connectionUri, 'select 1')).toBe('1')

    await store.start()
    await until(async () => failed(await askAtOnce()).length === 0, 'the API answers')
    for (let round = 0; round < 5; round++) expect(failed(await askAtOnce())).toEqual([])
  },
)

test('when all its connections have been ended, every call works again', async () => {
  await askDuring(async () => {
    for (let time = 0; time < 10; time++)
      await store.sql(
        "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'",
      )
  })
  await until(async () => failed(await askAtOnce()).length === 0, 'the API answers')
  for (let round = 0; round < 5; round++) expect(failed(await askAtOnce())).toEqual([])
})

test('a branch that was being made when its server died is there or not', async () => {
  const { client, projectId } = platform
  const path = { project_id: projectId }
  const countMade = async (): Promise<number> =>
    (await store.sql("select from operations where action = 'create_branch'")).length
  const before = await countMade()
  const making = client
    .createProjectBranch({ path, body: { branch: { name: 'interrupted' } } })
    .then(
      () => true,
      () => false,
    )
  const listed = async (): Promise<boolean> => {
    const { branches } = await client.listProjectBranches({ path, query: {} })
    return branches.some(({ name }) => name === 'interrupted')
  }
  await until(async () => (await countMade()) > before, 'it has begun')
  await store.halt('SIGKILL')
  await store.start()
  const isMade = await making
  await until(async () => (await listed().catch(() => !isMade)) === isMade, 'the list agrees')
  // Finished or undone, it no longer holds its name.
  if (!isMade)
    await until(
      async () =>
        client.createProjectBranch({ path, body: { branch: { name: 'interrupted' } } }).then(
          () => true,
          () => false,
        ),
      'it can be made',
      60_000,
    )
})

test('a start without its address changes nothing and says what to set', async () => {
  await platform.down()
  const { COPPICE_DATABASE_URL: _, ...env } = platform.env
  await expect(run('coppice', ['up'], { env })).rejects.toThrow('set COPPICE_DATABASE_URL')
  await platform.up()
  expect(failed(await askAtOnce())).toEqual([])
})

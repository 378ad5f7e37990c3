import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { findControlGroups } from '../packages/server/src/compute/find-control-groups.ts'
import { until } from '../packages/server/src/testing/until.ts'
import { startTestPlatform, type TestPlatform } from './platform.ts'

const { kind, detail } = await findControlGroups('test', { mayMove: false })

describe.skipIf(kind === 'none')(`a platform with ${kind} (${detail})`, () => {
  let platform: TestPlatform

  beforeAll(async () => {
    platform = await startTestPlatform({ flags: ['--freeze-after', '2'] })
  })
  afterAll(async () => platform?.remove())

  const compute = async () => {
    const { computes } = await platform.client.getPlatformStatus({})
    return computes.find((one) => one.branch_name === 'main')
  }
  const frozen = async (): Promise<void> =>
    until(async () => (await compute())?.frozen === true, 15_000)

  const connect = async (port: number): Promise<pg.Client> => {
    const url = new URL(platform.connectionUri)
    url.port = String(port)
    for (const name of ['sslmode', 'channel_binding']) url.searchParams.delete(name)
    const client = new pg.Client({
      connectionString: url.href,
      ssl: { rejectUnauthorized: false },
    })
    client.on('error', () => undefined)
    await client.connect()
    return client
  }

  test('a frozen compute answers clients that have stayed, pooled or not, and new ones', async () => {
    const clients = [await connect(platform.directPort), await connect(platform.pooledPort)]
    for (const client of clients) await client.query('select 1')
    for (const client of clients) {
      await frozen()
      const startMs = performance.now()
      const { rows } = await client.query('select pg_backend_pid() as pid')
      expect(rows).toHaveLength(1)
      expect(performance.now() - startMs).toBeLessThan(2_000)
    }
    await frozen()
    expect(await platform.neon('status')).toMatch(/frozen/)
    const late = await connect(platform.directPort)
    expect((await late.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    for (const client of [...clients, late]) await client.end()
  })

  test('a branch of a frozen parent holds what was committed', async () => {
    const client = await connect(platform.directPort)
    await client.query('create table kept as select 42 as answer')
    await client.end()
    await frozen()
    await platform.neon('branch', 'create', '--name', 'child', '--autoscale-limit', '0.25')
    const uri = (await platform.neon('connection-string', 'child')).trim()
    expect(await platform.shell(`psql '${uri}' -Atc 'select answer from kept'`)).toBe('42\n')
  })

  test('one that a killed daemon has left frozen goes on with the next', async () => {
    const client = await connect(platform.directPort)
    await client.query('select 1')
    await frozen()
    const pid = (await compute())?.pid
    await platform.kill()
    const answer = client.query('select 7 as seven')
    await platform.up()
    expect((await answer).rows).toEqual([{ seven: 7 }])
    expect((await compute())?.pid).toBe(pid)
    await client.end()
  })

  test('down stops what is frozen', async () => {
    await frozen()
    await platform.down()
    expect(await platform.postmasters()).toEqual([])
  })
})

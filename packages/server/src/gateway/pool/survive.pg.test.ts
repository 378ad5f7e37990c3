import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

import { bind, execute, parse, sync } from '../../testing/frontend-messages.ts'
import {
  type PoolFixture,
  poolDatabase,
  poolRole,
  startPoolFixture,
} from '../../testing/pool-fixture.ts'
import { findInstallations } from '../../testing/throwaway-postgres.ts'
import { until } from '../../testing/until.ts'
import {
  describe as shown,
  openTcp,
  query,
  startupPacket,
  wireClient,
} from '../../testing/wire-client.ts'
import type { Message } from '../wire/reader.ts'

const installations = await findInstallations()
const poolSize = 4
const ended = /^(57P01|57P02|57P03|08006) /

/** What happens to PostgreSQL while clients are connected; afterwards it can be used again. */
const accidents: Record<string, (fixture: PoolFixture) => Promise<void>> = {
  'its backends are terminated': async ({ postgres }) => {
    await postgres.sql(
      `select pg_terminate_backend(pid) from pg_stat_activity where usename = '${poolRole}'`,
    )
  },
  'it is shut down fast': async ({ postgres }) => {
    await postgres.halt('SIGINT')
    await postgres.start()
  },
  'it is shut down at once': async ({ postgres }) => {
    await postgres.halt('SIGQUIT')
    await postgres.start()
  },
}

describe.each(installations)('PostgreSQL $version', (installation) => {
  let fixture: PoolFixture
  /** Of the test that runs. */
  const clients: Socket[] = []

  beforeAll(async () => {
    fixture = await startPoolFixture(installation)
    await fixture.configure({ default_pool_size: String(poolSize) })
    const client = await logIn()
    await ask(client, 'create table tokens (token text)')
  })
  afterAll(async () => fixture?.stop())
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy()
    await until(async () => (await fixture.pools.report({})).clients.length === 0)
  })

  async function logIn(): Promise<Socket> {
    const socket = await openTcp(fixture.port)
    socket.write(startupPacket({ user: poolRole, database: poolDatabase }))
    await wireClient(socket).nextUntil('Z')
    clients.push(socket)
    return socket
  }

  /** The first value of the answer, or how it failed. */
  async function ask(socket: Socket, ...messages: Buffer[] | [string]): Promise<string> {
    const send = messages.map((one) => (typeof one === 'string' ? query(one) : one))
    socket.write(Buffer.concat(send))
    return outcome(await wireClient(socket).nextUntil('Z'))
  }

  /** Resolves once this many backends are at work on a text that contains this. */
  async function untilRunning(part: string, count: number): Promise<void> {
    const running = `select from pg_stat_activity where usename = '${poolRole}' and state = 'active' and query like '%${part}%'`
    await until(async () => (await fixture.postgres.sql(running)).length === count)
  }

  /** What a client has set is known to the pool once its connection is back there. */
  async function untilIdle(): Promise<void> {
    await until(async () => {
      const { servers } = await fixture.pools.report({})
      return servers.every(({ state }) => state === 'idle')
    })
  }

  /** Resolves once the pool has none of the connections left that the accident has cost it. */
  async function happen(accident: (to: PoolFixture) => Promise<void>): Promise<void> {
    const remotePids = async () =>
      (await fixture.pools.report({})).servers.map(({ remotePid }) => remotePid)
    const before = await remotePids()
    await accident(fixture)
    await until(async () => (await remotePids()).every((pid) => !before.includes(pid)))
  }

  describe.each(Object.entries(accidents))('%s', (name, accident) => {
    test('idle clients stay, their next query works, with what they had prepared and set', async () => {
      await Promise.all(Array.from({ length: 2 * poolSize }, logIn))
      for (const [index, client] of clients.entries()) {
        await ask(client, parse('mine', `select ${index} + $1`, [23]), sync())
        await ask(client, `set application_name = 'client ${index}'`)
      }
      await untilIdle()
      await happen(accident)
      for (const [index, client] of clients.entries()) {
        expect(await ask(client, bind('mine', ['100']), execute(), sync())).toBe(`${100 + index}`)
        expect(await ask(client, 'show application_name')).toBe(`client ${index}`)
      }
    })

    test('a query in flight fails by a connection error and is not repeated', async () => {
      await Promise.all(Array.from({ length: 2 * poolSize }, logIn))
      const token = `${installation.version}, ${name}`
      const insert = (index: number) =>
        `insert into tokens values ('${token} ${index}'); select pg_sleep(60) as asleep`
      const answers = clients.map(async (client, index) => ask(client, insert(index)))
      // As many wait for a server connection.
      await untilRunning('asleep', poolSize)
      const happening = happen(accident)
      await expect(Promise.all(answers.slice(0, poolSize))).resolves.toEqual(
        Array.from({ length: poolSize }, () => expect.stringMatching(ended)),
      )
      await happening
      // Those that waited have begun in the meantime; none of them may be carried out for the others.
      for (const client of clients) client.destroy()
      await Promise.allSettled(answers)
      expect(await countTokens(token)).toBe('0')
    })

    test('what was committed is there once, whatever the client was told', async () => {
      const client = await logIn()
      const token = `committed, ${name}`
      // The throwaway PostgreSQL does not wait for its disk otherwise.
      await ask(client, 'set synchronous_commit = on')
      expect(await ask(client, `insert into tokens values ('${token}') returning 'done'`)).toBe(
        'done',
      )
      const hanging = ask(
        client,
        `insert into tokens values ('${token}'); select pg_sleep(60) as late`,
      )
      await untilRunning('late', 1)
      await Promise.all([happen(accident), expect(hanging).resolves.toMatch(ended)])
      expect(await countTokens(token)).toBe('1')
    })

    test('a transaction that was open is over, and its client is told', async () => {
      const client = await logIn()
      await ask(client, 'begin')
      await happen(accident)
      expect((await wireClient(client).nextUntil('E')).map(shown).at(-1)).toMatch(ended)
    })
  })

  async function countTokens(token: string): Promise<string> {
    const client = await logIn()
    const count = await ask(client, `select count(*) from tokens where token like '${token}%'`)
    return count
  }

  test('a client that reads slowly gets every byte, and the others theirs meanwhile', async () => {
    const [slow, other] = [await logIn(), await logIn()]
    const rows = "select md5(n::text) || repeat('x', 1000) as row from generate_series(1, 20000) n"
    slow.pause()
    slow.write(query(rows))
    await until(async () =>
      (await fixture.pools.report({})).servers.some(({ state }) => state === 'active'),
    )
    for (let index = 0; index < 200; index++) {
      expect(await ask(other, `select '${index}' || repeat('y', 50000)`)).toHaveLength(
        50_000 + `${index}`.length,
      )
    }
    const digest = createHash('md5')
    for (const { type, body } of await wireClient(slow).nextUntil('Z')) {
      if (type === 'D') digest.update(body.subarray(6))
    }
    const expected = "select md5(string_agg(md5(n::text) || repeat('x', 1000), '' order by n))"
    expect(digest.digest('hex')).toBe(
      await ask(other, `${expected} from generate_series(1, 20000) n`),
    )
  })
})

function outcome(answers: readonly Message[]): string {
  const failure = answers.find(({ type }) => type === 'E')
  if (failure) return shown(failure)
  const row = answers.findLast(({ type }) => type === 'D')
  return row?.body.toString('utf8', 6) ?? ''
}

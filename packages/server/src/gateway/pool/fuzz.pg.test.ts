import { connect, type Socket } from 'node:net'

import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { type Cuts, type Exchange, type Transcript, converse } from '../../testing/conversation.ts'
import { bind, execute, parse, sync } from '../../testing/frontend-messages.ts'
import { fuzzRuns } from '../../testing/fuzz-runs.ts'
import { conversations } from '../../testing/pool-conversations.ts'
import {
  type PoolFixture,
  poolDatabase,
  poolPassword,
  poolRole,
  startPoolFixture,
} from '../../testing/pool-fixture.ts'
import { findInstallations } from '../../testing/throwaway-postgres.ts'
import {
  authenticate,
  openTcp,
  query,
  startupPacket,
  wireClient,
} from '../../testing/wire-client.ts'

const installations = await findInstallations()
const names = Object.keys(conversations)
const tables = ['fuzz_0', 'fuzz_1', 'fuzz_2', 'fuzz_3']
const startup = startupPacket({ user: poolRole, database: poolDatabase })

/** Where messages are cut: seldom, for each piece takes a turn. */
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 })
const speeches = fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 })

describe.each(installations)('PostgreSQL $version', (installation) => {
  let fixture: PoolFixture

  beforeAll(async () => {
    fixture = await startPoolFixture(installation)
    const direct = await openDirect()
    const made = tables.map((table) => `create table ${table} (n int primary key, text text)`)
    await converse(direct, [statement(made.join(';'))])
    direct.destroy()
  })
  afterAll(async () => fixture?.stop())

  /** A connection to PostgreSQL itself, as the same role. */
  async function openDirect(): Promise<Socket> {
    return logIn(connect(fixture.postgres.socketPath), poolPassword)
  }

  async function openPooled(): Promise<Socket> {
    return logIn(await openTcp(fixture.port))
  }

  async function spoken(socket: Socket, speech: string[], table: string, where: Cuts = []) {
    const exchanges = speech.flatMap((name) => conversations[name]?.(table) ?? [])
    try {
      return await converse(socket, [...exchanges, ...closing], where)
    } finally {
      socket.destroy()
    }
  }

  async function expectSame(speech: string[], table: string, where: Cuts): Promise<void> {
    const expected = await spoken(await openDirect(), speech, table)
    const answered = await spoken(await openPooled(), speech, table, where)
    expectEqual(answered, expected)
  }

  describe.each([
    { pool_mode: 'transaction', default_pool_size: '1' },
    { pool_mode: 'transaction', default_pool_size: '2', max_prepared_statements: '1' },
    { pool_mode: 'session', default_pool_size: '1' },
  ])('%j', (settings: Record<string, string>) => {
    beforeAll(async () => fixture.configure(settings))

    test.each(names)('%s: answers are those of a direct connection', async (name) => {
      await expectSame([name], 'fuzz_0', [])
    })

    test('cut anywhere', async () => {
      await fc.assert(
        fc.asyncProperty(speeches, cuts, async (speech, where) =>
          expectSame(speech, 'fuzz_0', where),
        ),
        fuzzRuns(12),
      )
    })
  })

  test.each(names)('%s, one client after the other with few statements kept', async (name) => {
    await fixture.configure({ default_pool_size: '1', max_prepared_statements: '2' })
    await expectSame([name], 'fuzz_0', [])
    await expectSame([name], 'fuzz_0', [])
  })

  test('no client runs the unnamed statement of another', async () => {
    await fixture.configure({ default_pool_size: '1' })
    const [one, other] = [await openPooled(), await openPooled()]
    await said(one, parse('', "select 'of one'"), sync())
    expect(await said(other, ...boundUnnamed)).toEqual([expect.stringMatching(/^E .*26000/), 'Z I'])
    expect(await said(one, ...boundUnnamed)).toContainEqual(expect.stringMatching(/^D .*of one$/))
    one.destroy()
    other.destroy()
  })

  test('an unnamed statement is the last one on every server connection', async () => {
    await fixture.configure({ default_pool_size: '2' })
    await fixture.pools.reconnect({})
    const [one, other] = [await openPooled(), await openPooled()]
    await said(one, parse('', "select 'first'"), sync())
    // The other takes the connection that has it, until there is a newer one elsewhere.
    await said(other, parse('b', 'begin'), bind('b'), execute(), sync())
    await said(one, parse('', "select 'second'"), sync())
    await said(other, parse('c', 'commit'), bind('c'), execute(), sync())
    expect(await said(one, ...boundUnnamed)).toContainEqual(expect.stringMatching(/^D .*second$/))
    one.destroy()
    other.destroy()
  })

  test('several at once on two server connections, cut anywhere', async () => {
    await fixture.configure({ default_pool_size: '2', max_prepared_statements: '2' })
    const clients = fc.array(fc.tuple(speeches, cuts), { minLength: 2, maxLength: tables.length })
    await fc.assert(
      fc.asyncProperty(clients, async (all) => {
        const ends = await Promise.allSettled(
          all.map(async ([speech, where], index) => expectSame(speech, tables[index] ?? '', where)),
        )
        // All are over before the next case begins, for it has the same tables.
        for (const end of ends) if (end.status === 'rejected') throw end.reason
      }),
      fuzzRuns(12),
    )
  })
})

/** Whatever is still to come, comes before the answer to this. */
const closing: Exchange[] = [statement("select 'nothing is left'")]

function statement(sql: string): Exchange {
  return { send: query(sql), until: 'Z' }
}

/** The answers to messages that end with a Query or Sync. */
async function said(socket: Socket, ...messages: Buffer[]): Promise<string[]> {
  return (await converse(socket, [{ send: Buffer.concat(messages), until: 'Z' }])).messages
}

const boundUnnamed = [bind(''), execute(), sync()]

/** Notices of parameters come more often through a pool; what counts is what they say in the end. */
function expectEqual(answered: Transcript, expected: Transcript): void {
  expect(answered.messages).toEqual(expected.messages)
  expect(answered.parameters).toEqual(expected.parameters)
}

async function logIn(socket: Socket, password?: string): Promise<Socket> {
  const client = wireClient(socket)
  socket.write(startup)
  if (password !== undefined) await authenticate(client, { password })
  await client.nextUntil('Z')
  return socket
}

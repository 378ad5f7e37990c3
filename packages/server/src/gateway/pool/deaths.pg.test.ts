import type { Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'

import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { bind, copyData, execute, parse, sync } from '../../testing/frontend-messages.ts'
import { fuzzRuns } from '../../testing/fuzz-runs.ts'
import {
  type PoolFixture,
  poolDatabase,
  poolEndpointId,
  poolRole,
  startPoolFixture,
} from '../../testing/pool-fixture.ts'
import { findInstallations } from '../../testing/throwaway-postgres.ts'
import { until } from '../../testing/until.ts'
import { openTcp, query, startupPacket, wireClient } from '../../testing/wire-client.ts'

const installations = await findInstallations()
const startup = startupPacket({ user: poolRole, database: poolDatabase })
const poolSize = 3
const clientsAtOnce = 20

/** What a client has said when it dies, so that it dies in every state there is. */
const lastWords: Record<string, Buffer> = {
  idle: query('select 1'),
  'in a transaction': query('begin; select 1'),
  'in a failed transaction': query('begin; select 1/0'),
  'in the middle of a message': query('select 1').subarray(0, 9),
  'without a Sync': Buffer.concat([parse('s', 'select 1'), bind('s'), execute()]),
  'with a named statement': Buffer.concat([
    parse('kept', 'select 1'),
    bind('kept'),
    execute(),
    sync(),
  ]),
  'in a COPY to the server': Buffer.concat([
    query('begin'),
    query('copy deaths from stdin'),
    copyData('1\n'),
  ]),
  'in a COPY from the server': query('copy (select generate_series(1, 100000)) to stdout'),
  'in a large result': query("select repeat('x', 1000) from generate_series(1, 20000)"),
  'while a query runs': query('select pg_sleep(60)'),
  'with a lock': query('begin; lock deaths'),
  'with an advisory lock': query('select pg_advisory_lock_shared(1)'),
  'with a temporary table': query('create temporary table mine (n int)'),
  'with LISTEN': query('listen deaths'),
  'with a cursor': query('begin; declare c cursor with hold for select 1; commit'),
  'with a statement of SQL': query('prepare by_sql as select 1'),
  'with settings': query("set work_mem = '1MB'; set role = none; set search_path = pg_catalog"),
}

/** How a client ends: without a word and in good order, sooner or later. */
interface Death {
  state: string
  /** Of its last words it sends this share. */
  share: number
  /** Turns of the event loop that it lives on. */
  turns: number
  manner: 'reset' | 'end' | 'terminate'
}

const deaths = fc.record<Death>({
  state: fc.constantFrom(...Object.keys(lastWords)),
  share: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
  turns: fc.nat({ max: 30 }),
  manner: fc.constantFrom('reset', 'end', 'terminate'),
})

describe.each(installations)('PostgreSQL $version', (installation) => {
  let fixture: PoolFixture

  beforeEach(async () => {
    fixture = await startPoolFixture(installation)
    await fixture.configure({ default_pool_size: String(poolSize) })
    const client = await logIn()
    await ask(client, 'create table deaths (n int)')
    client.destroy()
  })
  afterEach(async () => fixture?.stop())

  async function logIn(): Promise<Socket> {
    const socket = await openTcp(fixture.port)
    socket.write(startup)
    await wireClient(socket).nextUntil('Z')
    return socket
  }

  async function ask(socket: Socket, sql: string): Promise<string> {
    socket.write(query(sql))
    const answers = await wireClient(socket).nextUntil('Z')
    const row = answers.find(({ type }) => type === 'D')
    return row?.body.toString('utf8', 6) ?? answers.map(({ type }) => type).join('')
  }

  async function die({ state, share, turns, manner }: Death): Promise<void> {
    const socket = await openTcp(fixture.port)
    socket.write(startup)
    // Some die before they are let in, and some wait for a server connection when they do.
    if (turns % 5 > 0) await wireClient(socket).nextUntil('Z')
    const words = lastWords[state] ?? Buffer.alloc(0)
    socket.write(words.subarray(0, Math.ceil(words.length * share)))
    for (let turn = 0; turn < turns; turn++) await nextTurn()
    if (manner === 'reset') socket.resetAndDestroy()
    else {
      if (manner === 'terminate') socket.write(Buffer.from([0x58, 0, 0, 0, 4]))
      socket.end()
      socket.resume()
    }
    // The other side closes too.
    await until(() => socket.destroyed)
  }

  async function untilQuiet(): Promise<void> {
    await until(async () => {
      const { clients, servers, pools } = await fixture.pools.report({})
      const isQuiet = pools.every((one) => one.clients.waiting + one.servers.opening === 0)
      if (!isQuiet || clients.length > 0) return false
      // Backends that were told to end take a moment.
      const { length } = await backends()
      return length === servers.length && servers.every(({ state }) => state === 'idle')
    }, 30_000)
  }

  async function backends() {
    return fixture.postgres.sql<{ pid: number; state: string }>(
      `select pid, state from pg_stat_activity where usename = '${poolRole}'`,
    )
  }

  /** What the pool says it has is what PostgreSQL has, and what the platform was told of. */
  async function expectNothingLost(): Promise<void> {
    expect(await locksAndTables()).toEqual({ locks: '0', tables: '0', rows: '0' })
    await untilQuiet()
    const found = await backends()
    const { pools, servers } = await fixture.pools.report({ endpointId: poolEndpointId })
    expect(found.map(({ state }) => state)).toEqual(found.map(() => 'idle'))
    expect(found.map(({ pid }) => pid).toSorted((one, other) => one - other)).toEqual(
      servers.map(({ remotePid }) => remotePid).toSorted((one, other) => one - other),
    )
    expect(servers.length).toBeLessThanOrEqual(poolSize)
    expect(pools[0]?.servers).toMatchObject({ active: 0, idle: servers.length, opening: 0 })
    expect(pools[0]?.clients).toMatchObject({ active: 0, waiting: 0, idle: 0, pinned: 0 })
    const { sessions } = fixture.controlPlane
    expect(sessions.filter(({ ends }) => ends === 0)).toHaveLength(servers.length)
    expect(sessions.filter(({ ends }) => ends > 1)).toEqual([])
  }

  async function locksAndTables() {
    const client = await logIn()
    const count = async (from: string) => ask(client, `select count(*) from ${from}`)
    const found = {
      locks: await count("pg_locks where locktype = 'advisory' or relation = 'deaths'::regclass"),
      tables: await count("pg_class where relpersistence = 't'"),
      rows: await count('deaths'),
    }
    client.destroy()
    return found
  }

  /** Takes every server connection at once and looks what its session has. */
  async function expectClean(): Promise<void> {
    const clients = await Promise.all(Array.from({ length: poolSize }, logIn))
    for (const client of clients) await ask(client, 'begin')
    const leftovers = [
      "(select count(*) from pg_settings where source = 'session')",
      '(select count(*) from pg_listening_channels())',
      '(select count(*) from pg_prepared_statements where from_sql)',
      '(select count(*) from pg_cursors where is_holdable)',
    ]
    for (const client of clients) {
      expect(await ask(client, `select concat_ws(',', ${leftovers.join(', ')})`)).toBe('0,0,0,0')
      client.destroy()
    }
    await untilQuiet()
  }

  test('500 clients die anywhere: no server connection is lost, none is dirty', async () => {
    const rounds = fc.array(deaths, { minLength: clientsAtOnce, maxLength: clientsAtOnce })
    await fc.assert(
      fc.asyncProperty(rounds, async (dying) => {
        await Promise.all(dying.map(die))
        await untilQuiet()
        await expectNothingLost()
      }),
      // What fails here does not fail again with fewer clients.
      { ...fuzzRuns(25), endOnFailure: true },
    )
    await expectClean()
  })

  test('a pool that is closed leaves no sockets', async () => {
    const sockets = () =>
      process.getActiveResourcesInfo().filter((name) => /^(TCPSocket|Pipe)Wrap$/.test(name)).length
    const clients = await Promise.all(Array.from({ length: poolSize }, logIn))
    for (const client of clients) await ask(client, 'begin')
    const open = sockets()
    await fixture.pools.close()
    for (const client of clients) client.destroy()
    // Theirs, ours to them, ours to PostgreSQL.
    await until(() => sockets() <= open - 3 * poolSize)
  })
})

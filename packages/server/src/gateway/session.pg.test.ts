import { setTimeout as delay } from 'node:timers/promises'

import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { must } from '../lib/assert.ts'
import {
  database,
  domain,
  endpointId,
  type GatewayFixture,
  password,
  resetControlPlane,
  role,
  startGatewayFixture,
} from '../testing/gateway-fixture.ts'
import { findInstallations } from '../testing/throwaway-postgres.ts'
import { until } from '../testing/until.ts'
import {
  authenticate,
  describe,
  openTcp,
  openTls,
  query,
  readToEnd,
  startupPacket,
  type WireClient,
  wireClient,
} from '../testing/wire-client.ts'
import { type CancelKey, cancelRequest, message, terminate } from './wire/messages.ts'
import type { Message } from './wire/reader.ts'

let fixture: GatewayFixture
const clients: WireClient[] = []

beforeAll(async () => {
  const installation = must((await findInstallations()).at(-1), 'there is a PostgreSQL here')
  fixture = await startGatewayFixture(installation)
})
afterAll(async () => fixture?.stop())
beforeEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await resetControlPlane(fixture.controlPlane)
})

async function connect(parameters: Record<string, string> = {}): Promise<WireClient> {
  const client = wireClient(await openTls(fixture.port, `${endpointId}.${domain}`))
  clients.push(client)
  client.stream.write(startupPacket({ user: role, database, ...parameters }))
  await authenticate(client, { password })
  return client
}

/** A client whose greeting has been read, with its key for cancel requests. */
async function connectReady(
  parameters: Record<string, string> = {},
): Promise<WireClient & { key: CancelKey }> {
  const client = await connect(parameters)
  const greeting = await client.nextUntil('Z')
  const { body } = must(
    greeting.find(({ type }) => type === 'K'),
    'there is a key',
  )
  return Object.assign(client, {
    key: { processId: body.readUInt32BE(0), secretKey: body.readUInt32BE(4) },
  })
}

/** The first column of the first row. */
async function ask(client: WireClient, sql: string): Promise<string | undefined> {
  client.stream.write(query(sql))
  const rows = (await client.nextUntil('Z')).filter(({ type }) => type === 'D')
  return rows.map(firstColumn).at(0)
}

function firstColumn({ body }: Message): string {
  return body.toString('utf8', 6, 6 + body.readInt32BE(2))
}

async function backendCount(applicationName: string): Promise<number> {
  const rows = await fixture.postgres.sql(
    'select from pg_stat_activity where application_name = $1',
    [applicationName],
  )
  return rows.length
}

test('relays queries wherever their bytes are split', async () => {
  const client = await connectReady()
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: 'grapheme-ascii', maxLength: 30 }),
      fc.array(fc.nat({ max: 60 }), { maxLength: 4 }),
      async (text, cuts) => {
        const bytes = query(`select '${text.replaceAll("'", "''").replaceAll('\\', '/')}'`)
        let from = 0
        for (const cut of [...cuts.toSorted((one, other) => one - other), bytes.length]) {
          client.stream.write(bytes.subarray(from, Math.max(from, cut)))
          from = Math.max(from, cut)
          await new Promise((resolve) => setImmediate(resolve))
        }
        const [row] = (await client.nextUntil('Z')).filter(({ type }) => type === 'D')
        expect(row && firstColumn(row)).toBe(text.replaceAll('\\', '/'))
      },
    ),
    { numRuns: 50 },
  )
})

test('takes a handshake byte by byte, and queries sent before its end', async () => {
  const client = wireClient(await openTls(fixture.port, `${endpointId}.${domain}`))
  clients.push(client)
  for (const byte of startupPacket({ user: role, database })) {
    client.stream.write(Buffer.from([byte]))
    await new Promise((resolve) => setImmediate(resolve))
  }
  let wakeUp: (() => void) | undefined
  fixture.controlPlane.beforeWake = async () =>
    new Promise((resolve) => {
      wakeUp = resolve
    })
  const answer = authenticate(client, { password })
  await until(() => wakeUp !== undefined)
  client.stream.write(query("select 'early'"))
  wakeUp?.()
  await answer
  await client.nextUntil('Z')
  const [row] = (await client.nextUntil('Z')).filter(({ type }) => type === 'D')
  expect(row && firstColumn(row)).toBe('early')
})

test('reports each session once, its traffic and its end', async () => {
  const client = await connectReady()
  const [session] = fixture.controlPlane.sessions
  const before = must(session, 'the session is open').touches
  await ask(client, 'select 1')
  expect(session?.touches).toBeGreaterThanOrEqual(before + 2)
  expect(session?.ends).toBe(0)
  client.stream.end(terminate())
  await until(() => session?.ends === 1)
})

test.each([
  ['Query', () => query('LISTEN news')],
  ['Query', () => query('begin; listen "a b"; commit')],
  [
    'Parse',
    () =>
      Buffer.concat([
        message('P', Buffer.from('\0Listen news\0\0\0')),
        message('B', Buffer.alloc(8)),
        message('E', Buffer.from('\0\0\0\0\0')),
        message('S', Buffer.alloc(0)),
      ]),
  ],
])('notices LISTEN in a %s', async (_, bytes) => {
  const client = await connectReady()
  client.stream.write(bytes())
  expect((await client.nextUntil('Z')).map(({ type }) => type)).not.toContain('E')
  expect(fixture.controlPlane.sessions[0]?.isListening).toBe(true)
})

test('takes nothing else for LISTEN', async () => {
  const client = await connectReady()
  await ask(client, 'UNLISTEN *')
  await ask(client, 'select 1 as listen_count, 2 as listening')
  await ask(client, `select '${'x'.repeat(2000)} listen y'`)
  expect(fixture.controlPlane.sessions[0]?.isListening).toBe(false)
})

test('notices that a session listens no more', async () => {
  const client = await connectReady()
  const isListening = () => fixture.controlPlane.sessions[0]?.isListening
  for (const [sql, expected] of [
    ['listen news', true],
    ['begin; unlisten *; rollback', true],
    ['close all; unlisten *; reset all', false],
    ['listen news', true],
    ['discard all', false],
  ] as const) {
    await ask(client, sql)
    expect([sql, isListening()]).toEqual([sql, expected])
  }
})

test('answers SHOW pool_mode wherever its bytes are split, and nothing else', async () => {
  const client = await connectReady()
  const name = Buffer.from('s\0')
  const parse = message('P', Buffer.concat([name, Buffer.from('show POOL_MODE\0\0\0')]))
  const rest = Buffer.concat([
    message('B', Buffer.concat([Buffer.from('\0'), name, Buffer.alloc(6)])),
    message('E', Buffer.from('\0\0\0\0\0')),
    message('S', Buffer.alloc(0)),
  ])
  for (const bytes of [query(' Show pool_mode ; '), Buffer.concat([parse, rest])]) {
    for (const cut of [1, 4, 6, 12, bytes.length]) {
      client.stream.write(bytes.subarray(0, cut))
      await new Promise((resolve) => setImmediate(resolve))
      client.stream.write(bytes.subarray(cut))
      const [row] = (await client.nextUntil('Z')).filter(({ type }) => type === 'D')
      expect(row && firstColumn(row)).toBe('session')
      // The prepared statement is for one time.
      await ask(client, 'deallocate all')
    }
  }
  expect(await ask(client, "select 'show pool_mode'")).toBe('show pool_mode')
  client.stream.write(query('show pool_modes'))
  expect(describe(must((await client.nextUntil('Z')).at(-1), 'an answer'))).toMatch(/^42704 /)
  await client.nextUntil('Z')
})

test('delivers notifications to a client that only waits', async () => {
  const client = await connectReady()
  await ask(client, 'listen news')
  const other = await connectReady()
  await ask(other, "notify news, 'extra'")
  const { type, body } = await client.next()
  expect([type, body.toString('utf8', 4)]).toEqual(['A', 'news\0extra\0'])
})

test.each([
  ['without TLS', async () => openTcp(fixture.port)],
  ['inside TLS without a server name', async () => openTls(fixture.port)],
])("cancels a query by the gateway's key %s", async (_, open) => {
  const client = await connectReady()
  client.stream.write(query('select pg_sleep(60)'))
  const backend =
    "select from pg_stat_activity where query like '%pg_sleep(60)%' and state = 'active' and pid <> pg_backend_pid()"
  await until(async () => (await fixture.postgres.sql(backend)).length === 1)
  const canceller = await open()
  canceller.write(cancelRequest(client.key))
  expect(await readToEnd(canceller)).toHaveLength(0)
  const answer = await client.nextUntil('E')
  expect(describe(must(answer.at(-1), 'there is an answer'))).toMatch(/^57014 /)
  await client.nextUntil('Z')
  expect(await ask(client, 'select 2')).toBe('2')
})

test('ignores cancel requests with a key that is nobody’s, the backend’s own included', async () => {
  const client = await connectReady()
  const pid = Number(await ask(client, 'select pg_backend_pid()'))
  expect(client.key.processId).not.toBe(pid)
  for (const key of [
    { processId: pid, secretKey: client.key.secretKey },
    { processId: client.key.processId, secretKey: client.key.secretKey ^ 1 },
  ]) {
    const canceller = await openTcp(fixture.port)
    canceller.write(cancelRequest(key))
    expect(await readToEnd(canceller)).toHaveLength(0)
  }
  expect(await ask(client, 'select pg_sleep(0.05)::text')).toBe('')
})

test.each(['end', 'destroy'] as const)(
  'frees the backend of a client that goes away: %s',
  async (how) => {
    const applicationName = `gone-${how}`
    const client = await connectReady({ application_name: applicationName })
    expect(await backendCount(applicationName)).toBe(1)
    client.stream[how]()
    await until(async () => (await backendCount(applicationName)) === 0)
  },
)

test('frees a busy backend whose client dies', async () => {
  const client = await connectReady({ application_name: 'gone-busy' })
  client.stream.write(query('select pg_sleep(60)'))
  await until(async () => (await backendCount('gone-busy')) === 1)
  client.stream.destroy()
  await until(async () => (await backendCount('gone-busy')) === 0)
})

test('reads on for a client that has closed its side', async () => {
  const client = await connectReady()
  client.stream.end(
    Buffer.concat([query("select pg_sleep(0.1), 'late'"), query("select 'last'"), terminate()]),
  )
  const bytes = await readToEnd(client.stream)
  expect(bytes.toString('latin1')).toMatch(/late[^]*last/)
})

test('passes on the last words of the compute', async () => {
  const client = await connectReady({ application_name: 'terminated' })
  await fixture.postgres.sql(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'terminated'",
  )
  const last = await readToEnd(client.stream)
  expect(last.toString().match(/57P01/g)).toHaveLength(1)
  expect(last.toString()).toContain('terminating connection due to administrator command')
})

test('says 57P01 where the compute dies without a word', async () => {
  const client = await connectReady()
  // An error that does not end the session is no last word.
  client.stream.write(message('P', Buffer.from('\0no sql\0\0\0')))
  client.stream.write(message('H', Buffer.alloc(0)))
  expect(describe(await client.next())).toMatch(/^42601 /)
  const pids = await fixture.postgres.sql<{ pid: number }>(
    `select pid from pg_stat_activity where usename = '${role}'`,
  )
  try {
    for (const { pid } of pids) process.kill(pid, 'SIGKILL')
    expect(describe(await client.next())).toBe(
      '57P01 terminating connection due to administrator command',
    )
    expect(await readToEnd(client.stream)).toHaveLength(0)
  } finally {
    await until(async () =>
      fixture.postgres.sql('select 1').then(
        () => true,
        () => false,
      ),
    )
  }
})

test('puts no words of its own into a message that was cut off', async () => {
  const client = await connectReady()
  client.stream.pause()
  client.stream.write(query("select repeat('x', 50000000)"))
  const [session] = fixture.controlPlane.sessions
  await until(() => (session?.touches ?? 0) > 20)
  const [backend] = await fixture.postgres.sql<{ pid: number }>(
    `select pid from pg_stat_activity where usename = '${role}'`,
  )
  try {
    process.kill(must(backend, 'there is a backend').pid, 'SIGKILL')
    const rest = await readToEnd(client.stream)
    expect(rest.toString('latin1', rest.length - 100)).not.toContain('57P01')
  } finally {
    await until(async () =>
      fixture.postgres.sql('select 1').then(
        () => true,
        () => false,
      ),
    )
  }
})

test('holds a large result for a slow reader in bounded memory', async () => {
  const client = await connectReady()
  const rows = 200
  client.stream.write(query(`select repeat('x', 1000000) from generate_series(1, ${rows})`))
  const memoryBefore = process.memoryUsage.rss()
  const [session] = fixture.controlPlane.sessions
  // It stalls: whatever fits into the sockets has passed, and nothing more does.
  let touches = -1
  await until(async () => {
    const isStalled = session?.touches === touches
    touches = session?.touches ?? 0
    await delay(100)
    return isStalled && touches > 10
  })
  expect(process.memoryUsage.rss() - memoryBefore).toBeLessThan(40 * 1024 * 1024)
  expect(touches * 65_536).toBeLessThan(30 * 1024 * 1024)
  let receivedBytes = 0
  client.stream.on('data', (chunk: Buffer) => {
    receivedBytes += chunk.length
  })
  client.stream.resume()
  await until(() => receivedBytes > rows * 1_000_000, 60_000)
})

test('holds a client back that sends faster than the compute takes', async () => {
  const client = await connectReady()
  await ask(client, 'create temporary table sink (line text)')
  client.stream.write(query('copy sink from stdin'))
  await client.nextUntil('G')
  const chunk = message('d', Buffer.from(`${'x'.repeat(60_000)}\n`))
  const chunks = 500
  for (let sent = 0; sent < chunks; sent++) {
    if (client.stream.write(chunk)) continue
    await new Promise((resolve) => client.stream.once('drain', resolve))
  }
  client.stream.write(message('c', Buffer.alloc(0)))
  await client.nextUntil('Z')
  expect(await ask(client, 'select sum(length(line)) from sink')).toBe(String(chunks * 60_000))
})

test('ends idle sessions at once when it stops, and busy ones when they are idle', async () => {
  await fixture.restart({ drainGraceMs: 20_000 })
  const idle = await connectReady()
  const busy = await connectReady({ application_name: 'draining' })
  busy.stream.write(query("select pg_sleep(0.5), 'done'"))
  await until(async () => (await backendCount('draining')) === 1)
  const words = Promise.all([readToEnd(idle.stream), readToEnd(busy.stream)])
  for (const { stream } of [idle, busy]) stream.once('end', () => stream.end())
  const startedAt = performance.now()
  await fixture.restart()
  expect(performance.now() - startedAt).toBeLessThan(10_000)
  const [idleWords, busyWords] = (await words).map((bytes) => bytes.toString('latin1'))
  expect(idleWords).toContain('57P01')
  expect(busyWords).toMatch(/done[^]*57P01/)
})

test('ends sessions that are never idle after the grace', async () => {
  await fixture.restart({ drainGraceMs: 100 })
  const client = await connectReady({ application_name: 'endless' })
  client.stream.write(query('begin; select pg_sleep(60)'))
  await until(async () => (await backendCount('endless')) === 1)
  const words = readToEnd(client.stream)
  client.stream.once('end', () => client.stream.end())
  await fixture.restart()
  expect((await words).toString('latin1')).toContain('57P01')
  await until(async () => (await backendCount('endless')) === 0)
})

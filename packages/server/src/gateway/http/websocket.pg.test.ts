import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'

import { Client, neonConfig, Pool } from '@neondatabase/serverless'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createWebSocketStream, WebSocket } from 'ws'

import { must } from '../../lib/assert.ts'
import { domain, database, endpointId, password, role } from '../../testing/gateway-fixture.ts'
import { lookUpHere } from '../../testing/https-client.ts'
import { connectionString, type SqlFixture, startSqlFixture } from '../../testing/sql-fixture.ts'
import { findInstallations } from '../../testing/throwaway-postgres.ts'
import { until } from '../../testing/until.ts'
import {
  describe as inWords,
  query,
  sslRequest,
  startupPacket,
  type WireClient,
  wireClient,
} from '../../testing/wire-client.ts'
import { cancelRequest, message } from '../wire/messages.ts'

let fixture: SqlFixture
const sockets: WebSocket[] = []

/** As the driver makes it, trusting the fixture's authority. */
class TrustingWebSocket extends WebSocket {
  constructor(url: string) {
    super(url, { ca: fixture.ca, lookup: lookUpHere, perMessageDeflate: true })
    sockets.push(this)
  }
}

beforeAll(async () => {
  const installation = must((await findInstallations()).at(-1), 'there is a PostgreSQL here')
  fixture = await startSqlFixture(installation)
  neonConfig.webSocketConstructor = TrustingWebSocket
})
afterAll(async () => fixture?.stop())

beforeEach(() => {
  // As the driver does, but with the port of this server.
  neonConfig.wsProxy = (host) => `${host}:${fixture.port}/v2`
  neonConfig.pipelineConnect = 'password'
  fixture.controlPlane.sessions.length = 0
  fixture.webSocketClients.length = 0
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate()
  await until(() => fixture.controlPlane.sessions.every((session) => session.ends === 1))
})

/** A WebSocket to speak the protocol over byte by byte. */
async function open(target = `${endpointId}.${domain}:${fixture.port}/v2`): Promise<WireClient> {
  const socket = new TrustingWebSocket(`wss://${target}`)
  const stream = createWebSocketStream(socket)
  await once(socket, 'open')
  // It reads and writes as a socket does, which is all that is asked of it.
  return wireClient(stream as unknown as Parameters<typeof wireClient>[0])
}

const startup = startupPacket({ user: role, database })
const passwordMessage = (text: string) => message('p', Buffer.from(`${text}\0`))

async function logIn(client: WireClient): Promise<void> {
  client.stream.write(Buffer.concat([startup, passwordMessage(password)]))
  await client.nextUntil('Z')
}

describe('@neondatabase/serverless', () => {
  test('connects a client, with everything in its first message', async () => {
    const client = new Client(fixture.connectionString)
    await client.connect()
    const { rows } = await client.query('select current_user as u, $1::int as x', [1])
    expect(rows).toEqual([{ u: role, x: 1 }])
    await client.end()
    expect(fixture.webSocketClients).toMatchObject([
      {
        startup: { user: role, database },
        login: { endpointId },
        clientAddress: '127.0.0.1',
        pooled: false,
      },
    ])
    expect(fixture.controlPlane.sessions[0]?.applicationName).toBe(
      'pkg:npm/%40neondatabase/serverless@1.2.0',
    )
  })

  test('connects without the password in the first message', async () => {
    neonConfig.pipelineConnect = false
    const client = new Client(fixture.connectionString)
    await client.connect()
    expect((await client.query('select 1 as x')).rows).toEqual([{ x: 1 }])
    await client.end()
  })

  test('serves a pool, its transactions and its errors', async () => {
    const pool = new Pool({ connectionString: fixture.connectionString, max: 3 })
    const numbers = [1, 2, 3, 4, 5, 6]
    const results = await Promise.all(
      numbers.map(async (n) => pool.query('select $1::int as n, pg_sleep(0.01)', [n])),
    )
    expect(results.map(({ rows }) => (rows[0] as { n: number }).n)).toEqual(numbers)
    const client = await pool.connect()
    await client.query('begin')
    await client.query('create table kept (id int)')
    await expect(client.query('select nonsense')).rejects.toMatchObject({ code: '42703' })
    await client.query('rollback')
    expect((await client.query("select to_regclass('kept') as t")).rows).toEqual([{ t: null }])
    client.release()
    await pool.end()
  })

  test('hears notifications', async () => {
    const client = new Client(fixture.connectionString)
    await client.connect()
    const heard: (string | undefined)[] = []
    client.on('notification', ({ payload }) => heard.push(payload))
    await client.query('listen news')
    await client.query("notify news, 'hello'")
    await until(() => heard.length === 1)
    expect(heard).toEqual(['hello'])
    await client.end()
  })

  test('carries large values both ways', async () => {
    const client = new Client(fixture.connectionString)
    await client.connect()
    const value = 'é'.repeat(2_000_000)
    const { rows } = await client.query('select $1::text as x', [value])
    expect((rows[0] as { x: string }).x === value).toBe(true)
    await client.end()
  })

  test('finds the endpoint in the address of a proxy', async () => {
    neonConfig.wsProxy = `localhost:${fixture.port}/v1`
    const client = new Client(connectionString({ host: `${endpointId}-pooler.${domain}:5433` }))
    await client.connect()
    await client.end()
    expect(fixture.webSocketClients).toMatchObject([{ login: { endpointId }, pooled: true }])
  })

  test.each([
    ['a wrong password', { secret: 'wrong' }, role],
    ['an unknown role', { user: 'nobody' }, 'nobody'],
    ['an unknown endpoint', { host: `ep-none.${domain}` }, 'tester'],
  ])('is told the same for %s', async (_what, given, user) => {
    const client = new Client(connectionString(given))
    // The close that follows the error.
    client.on('error', () => undefined)
    // With the password in its first message, the driver connects without waiting for an answer.
    await client.connect()
    await expect(client.query('select 1')).rejects.toMatchObject({
      message: `password authentication failed for user '${user}'`,
      code: '28P01',
    })
  })
})

describe('the protocol', () => {
  test('asks for the password in clear, and goes on with what came along', async () => {
    const client = await open()
    client.stream.write(Buffer.concat([startup, passwordMessage(password), query('select 1')]))
    const types: string[] = []
    while (types.filter((type) => type === 'Z').length < 2) types.push((await client.next()).type)
    const withoutGreeting = types.filter((type) => type !== 'S')
    expect(withoutGreeting.join('')).toBe('RRKZTDCZ')
  })

  test('arrives in any pieces', async () => {
    const client = await open()
    const bytes = Buffer.concat([startup, passwordMessage(password), query('select 1')])
    for (const byte of bytes) client.stream.write(Buffer.from([byte]))
    await client.nextUntil('Z')
    expect((await client.nextUntil('Z')).map(({ type }) => type).join('')).toBe('TDCZ')
  })

  test('has no encryption of its own', async () => {
    const client = await open()
    client.stream.write(sslRequest)
    await until(() => client.stream.readableLength === 1)
    expect(String(client.stream.read())).toBe('N')
    await logIn(client)
  })

  test('cancels a query by its key', async () => {
    const client = await open()
    client.stream.write(Buffer.concat([startup, passwordMessage(password)]))
    const greeting = await client.nextUntil('Z')
    const { body } = must(
      greeting.find(({ type }) => type === 'K'),
      'there is a key',
    )
    client.stream.write(query('select pg_sleep(600)'))
    const active = "select from pg_stat_activity where query = 'select pg_sleep(600)'"
    await until(async () => (await fixture.postgres.sql(active)).length === 1)
    const canceller = await open()
    const key = { processId: body.readUInt32BE(0), secretKey: body.readUInt32BE(4) }
    canceller.stream.write(cancelRequest(key))
    canceller.stream.resume()
    await once(canceller.stream, 'end')
    const answers = await client.nextUntil('E')
    expect(answers.map(inWords).at(-1)).toBe('57014 canceling statement due to user request')
  })

  test('finds the endpoint in the password where nothing else names it', async () => {
    const client = await open(`localhost:${fixture.port}/v2`)
    client.stream.write(startup)
    await client.next()
    client.stream.write(passwordMessage(`endpoint=${endpointId};${password}`))
    expect((await client.nextUntil('Z')).at(-1)?.type).toBe('Z')
    const lost = await open(`localhost:${fixture.port}/v2`)
    lost.stream.write(Buffer.concat([startup, passwordMessage(password)]))
    expect(inWords(must((await lost.nextUntil('E')).at(-1), 'an answer'))).toContain(
      'Endpoint ID is not specified.',
    )
  })

  test.each([
    ['another message than the password', query('select 1'), 'expected a password message'],
    ['a password without its end', message('p', Buffer.from('x')), 'malformed password message'],
    ['a long password', passwordMessage('x'.repeat(2000)), 'invalid message length'],
  ])('refuses %s', async (_what, bytes, text) => {
    const client = await open()
    client.stream.write(Buffer.concat([startup, bytes]))
    expect(inWords(must((await client.nextUntil('E')).at(-1), 'an answer'))).toBe(`08P01 ${text}`)
  })

  test('closes on a text message', async () => {
    const socket = new TrustingWebSocket(`wss://${endpointId}.${domain}:${fixture.port}/v2`)
    await once(socket, 'open')
    socket.send('select 1')
    const [code] = (await once(socket, 'close')) as [number]
    expect(code).toBe(1003)
  })

  test('ends when its client is gone', async () => {
    const client = await open()
    await logIn(client)
    expect(fixture.controlPlane.sessions).toMatchObject([{ ends: 0 }])
    sockets.at(-1)?.terminate()
    await until(() => fixture.controlPlane.sessions[0]?.ends === 1)
  })

  test('holds the compute back while its client does not read', async () => {
    const client = await open()
    await logIn(client)
    const [server] = fixture.webSocketClients
    const { stream } = must(server, 'the client has logged in')
    const socket = must(sockets.at(-1), 'there is a WebSocket')
    socket.pause()
    const rows = 30_000
    client.stream.write(query(`select repeat('x', 1000), generate_series(1, ${rows})`))
    await until(() => stream.writableNeedDrain)
    expect(stream.writableLength).toBeLessThan(1024 * 1024)
    socket.resume()
    let received = 0
    for (;;) {
      const { type } = await client.next()
      if (type === 'D') received++
      if (type === 'Z') break
    }
    expect(received).toBe(rows)
  })
})

describe('slow clients', () => {
  beforeAll(async () => fixture.restart({ handshakeTimeoutMs: 300 }))
  afterAll(async () => fixture.restart())

  test('are told when they do not log in', async () => {
    const client = await open()
    expect(inWords(await client.next())).toBe('XX000 Authentication timed out')
  })

  test.each(['', 'POST /sql HTTP/1.1\r\nhost: x\r\n'])(
    'lose the connection after %j',
    async (bytes) => {
      const socket = connectTls({ port: fixture.port, host: '127.0.0.1', ca: fixture.ca })
      await once(socket, 'secureConnect')
      socket.write(bytes)
      socket.resume()
      await once(socket, 'close')
      expect(socket.destroyed).toBe(true)
    },
  )
})

import { once } from 'node:events'
import { connect as connectTcp, createServer, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'

import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'

import { must } from '../../lib/assert.ts'
import { fuzzRuns } from '../../testing/fuzz-runs.ts'
import { domain, endpointId } from '../../testing/gateway-fixture.ts'
import { lookUpHere } from '../../testing/https-client.ts'
import { type SqlFixture, startSqlFixture } from '../../testing/sql-fixture.ts'
import { findInstallations } from '../../testing/throwaway-postgres.ts'
import { until } from '../../testing/until.ts'

/** Whatever is sent to the port of the serverless driver is answered or ended, and it serves on. */
let fixture: SqlFixture

beforeAll(async () => {
  const installation = must((await findInstallations()).at(-1), 'there is a PostgreSQL here')
  fixture = await startSqlFixture(installation)
})
afterAll(async () => fixture?.stop())

async function post(
  body: string | Buffer,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fixture.https.fetch(`https://api.${domain}:${fixture.port}/sql`, {
    method: 'POST',
    headers: { 'neon-connection-string': fixture.connectionString, ...headers },
    body,
  })
}

async function expectServing(): Promise<void> {
  const response = await post(JSON.stringify({ query: 'select 1 as one', params: [] }))
  expect(await response.json()).toMatchObject({ rows: [{ one: 1 }] })
  await until(() => fixture.lender.open.size === 0)
}

/** A request's body, or nearly one. */
const bodies = fc.oneof(
  fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
  fc.json({ maxDepth: 4 }).map((text) => Buffer.from(text)),
  fc
    .record(
      {
        query: fc.oneof(
          fc.constantFrom(
            'select $1',
            'select 1',
            'copy t from stdin',
            '',
            'begin',
            'listen x',
            ';',
          ),
          fc.string({ unit: 'binary', maxLength: 60 }),
          fc.jsonValue(),
        ),
        params: fc.oneof(fc.array(fc.jsonValue(), { maxLength: 5 }), fc.jsonValue()),
        arrayMode: fc.jsonValue(),
        queries: fc.oneof(fc.constant(undefined), fc.array(fc.jsonValue(), { maxLength: 3 })),
      },
      { requiredKeys: [] },
    )
    .map((body) => Buffer.from(JSON.stringify(body))),
)

const latin = fc
  .string({ unit: 'binary-ascii', maxLength: 60 })
  .map((text) => text.replaceAll(/[^\x20-\x7e]/g, '?').trim())

const headers = fc.record(
  {
    'neon-connection-string': fc.oneof(
      latin,
      latin.map(
        (text) => `postgresql://${encodeURIComponent(text)}@${endpointId}.${domain}/${text}`,
      ),
    ),
    'neon-raw-text-output': latin,
    'neon-array-mode': latin,
    'neon-batch-isolation-level': latin,
    'neon-batch-read-only': latin,
    authorization: latin,
    'content-type': latin,
  },
  { requiredKeys: [] },
)

test('any body is answered with JSON, and never with a fault', async () => {
  await fc.assert(
    fc.asyncProperty(bodies, async (body) => {
      const response = await post(body)
      expect([200, 400, 403, 413]).toContain(response.status)
      expect(await response.json()).toBeTypeOf('object')
    }),
    fuzzRuns(150),
  )
  await expectServing()
})

test('any headers are answered with JSON, and wake nothing without the password', async () => {
  const wakes = fixture.controlPlane.wakes.length
  await fc.assert(
    fc.asyncProperty(headers, async (given) => {
      const response = await post('{"query":"select 1"}', {
        'neon-connection-string': '',
        ...given,
      })
      expect(response.status).toBeGreaterThanOrEqual(400)
      expect(response.status).toBeLessThan(500)
      expect(await response.json()).toBeTypeOf('object')
    }),
    fuzzRuns(100),
  )
  expect(fixture.controlPlane.wakes).toHaveLength(wakes)
})

test('any frames of a WebSocket end it at most', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      async (frames, isText) => {
        const socket = new WebSocket(`wss://${endpointId}.${domain}:${fixture.port}/v2`, {
          ca: fixture.ca,
          lookup: lookUpHere,
        })
        await once(socket, 'open')
        for (const frame of frames) socket.send(frame, { binary: !isText })
        socket.close()
        const closing = setTimeout(() => socket.terminate(), 300)
        await once(socket, 'close')
        clearTimeout(closing)
      },
    ),
    fuzzRuns(40),
  )
  await expectServing()
})

test('frames that are none end it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (bytes) => {
      const socket = await dial()
      socket.write(
        `GET /v2 HTTP/1.1\r\nHost: ${endpointId}.${domain}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      )
      await once(socket, 'data')
      socket.end(bytes)
      socket.resume()
      const closing = setTimeout(() => socket.destroy(), 300)
      await once(socket, 'close')
      clearTimeout(closing)
    }),
    fuzzRuns(40),
  )
  await expectServing()
})

test('any TLS hello is refused or answered', async () => {
  const hello = await recordHello()
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(hello.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      fc.option(fc.nat(hello.length), { nil: undefined }),
      async (changes, cut) => {
        const bytes = Buffer.from(hello)
        for (const [at, value] of changes) bytes[at] = value
        const socket = connectTcp(fixture.port, '127.0.0.1')
        socket.on('error', () => undefined)
        socket.resume()
        await once(socket, 'connect')
        socket.end(bytes.subarray(0, cut))
        const closing = setTimeout(() => socket.destroy(), 300)
        await once(socket, 'close')
        clearTimeout(closing)
      },
    ),
    fuzzRuns(80),
  )
  await expectServing()
})

async function dial(more: ConnectionOptions = {}) {
  const servername = `${endpointId}.${domain}`
  const socket = connectTls({
    port: fixture.port,
    host: '127.0.0.1',
    ca: fixture.ca,
    servername,
    ...more,
  })
  socket.on('error', () => undefined)
  await once(socket, 'secureConnect')
  return socket
}

/** The first bytes of a client of Node's. */
async function recordHello(): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const client = connectTls({ port, host: '127.0.0.1', servername: `${endpointId}.${domain}` })
  client.on('error', () => undefined)
  const [socket] = (await once(server, 'connection')) as [Socket]
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  client.destroy()
  socket.destroy()
  server.close()
  return bytes
}

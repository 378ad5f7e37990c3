import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'

import { must } from '../../lib/assert.ts'
import { createLog } from '../../lib/log.ts'
import { keysOfPassword, parseVerifier } from '../../lib/scram.ts'
import {
  database,
  domain,
  endpointId,
  type GatewayFixture,
  password,
  resetControlPlane,
  role,
  startGatewayFixture,
} from '../../testing/gateway-fixture.ts'
import { findInstallations } from '../../testing/throwaway-postgres.ts'
import { until } from '../../testing/until.ts'
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
} from '../../testing/wire-client.ts'
import { readCertificatePair } from '../certificate-pair.ts'
import { Disconnected } from '../errors.ts'
import { createGateway, type Gateway } from '../gateway.ts'
import type { Lease, Lender, PoolClientDetails } from '../pool/lease.ts'
import { type CancelKey, cancelRequest, message } from '../wire/messages.ts'
import { lendFromOwner } from './sibling-lender.ts'
import { Siblings } from './siblings.ts'

/** Two gateways that are one: the endpoint's pools are in the second. */
interface Member {
  gateway: Gateway
  siblings: Siblings
  port: number
  pooledPort: number
}

let fixture: GatewayFixture
let directory: string
let first: Member
let owner: Member
const clients: WireClient[] = []

beforeAll(async () => {
  const installation = must((await findInstallations()).at(-1), 'there is a PostgreSQL here')
  fixture = await startGatewayFixture(installation)
})
afterAll(async () => fixture?.stop())

beforeEach(async () => {
  await resetControlPlane(fixture.controlPlane)
  directory = await mkdtemp(join(tmpdir(), 'siblings-'))
  first = await startMember(7)
  owner = await startMember(200)
  setSlots([200])
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await Promise.all([first.gateway.stop(), owner.gateway.stop()])
  await rm(directory, { recursive: true, force: true })
})

async function startMember(number: number): Promise<Member> {
  const siblings = new Siblings({ directory, number, handOverTimeoutMs: 2_000 })
  const gateway = createGateway({
    controlPlane: fixture.controlPlane,
    tls: await readCertificatePair(fixture.certificates),
    secret: 'a secret',
    domain,
    listen: [
      { host: '127.0.0.1', port: 0, pooled: false },
      { host: '127.0.0.1', port: 0, pooled: true },
    ],
    log: createLog({ level: 'silent', toStderr: false }),
    limits: { drainGraceMs: 200 },
    siblings,
  })
  await gateway.start()
  const [port = 0, pooledPort = 0] = gateway.addresses().map((address) => address.port)
  return { gateway, siblings, port, pooledPort }
}

function setSlots(slots: number[]): void {
  for (const { siblings } of [first, owner]) siblings.setSlots(slots)
}

async function begin(port: number): Promise<WireClient> {
  const client = wireClient(await openTls(port, `${endpointId}.${domain}`))
  clients.push(client)
  client.stream.write(startupPacket({ user: role, database, application_name: 'bridged' }))
  return client
}

async function connect(port: number): Promise<WireClient & { key: CancelKey }> {
  const client = await begin(port)
  expect(describe(await authenticate(client, { password }))).toBe('message R')
  const { body } = must(
    (await client.nextUntil('Z')).find(({ type }) => type === 'K'),
    'there is a key',
  )
  const key = { processId: body.readUInt32BE(0), secretKey: body.readUInt32BE(4) }
  return Object.assign(client, { key })
}

async function ask(client: WireClient, sql: string): Promise<string> {
  client.stream.write(query(sql))
  const messages = await client.nextUntil('Z')
  const row = messages.find(({ type }) => type === 'D')
  return row?.body.toString('utf8', 6) ?? describe(must(messages.at(-1), 'there is an answer'))
}

async function untilRunning(sql: string): Promise<void> {
  await until(async () => {
    const rows = await fixture.postgres.sql(
      "select from pg_stat_activity where state = 'active' and query = $1",
      [sql],
    )
    return rows.length === 1
  })
}

/** Sends a cancel request to the first process; answers what comes back until it closes. */
async function cancel(key: CancelKey): Promise<Buffer> {
  const request = await openTcp(first.port)
  request.write(cancelRequest(key))
  const answer = await readToEnd(request)
  request.destroy()
  return answer
}

/** As a client of libpq does it. */
function leave(client: WireClient): void {
  client.stream.end(message('X', Buffer.alloc(0)))
}

const counts = (): number[] => [first.gateway.sessionCount, owner.gateway.sessionCount]

test('a pooled session is served where the pools are, a direct one where it lands', async () => {
  const bridged = await connect(first.pooledPort)
  expect(await ask(bridged, "select current_setting('application_name')")).toBe('bridged')
  expect(counts()).toEqual([1, 1])
  const direct = await connect(first.port)
  expect(await ask(direct, 'select 1')).toBe('1')
  expect(counts()).toEqual([2, 1])
  const atOwner = await connect(owner.pooledPort)
  expect(await ask(atOwner, 'select 2')).toBe('2')
  expect(counts()).toEqual([2, 2])
  for (const client of clients) client.close()
  await until(() => counts().every((count) => count === 0))
})

test('much passes both ways, for a reader that pauses', async () => {
  const client = await connect(first.pooledPort)
  const text = 'x'.repeat(4_000_000)
  expect(await ask(client, `select md5('${text}') = md5(repeat('x', 4000000))`)).toBe('t')
  client.stream.write(query("select repeat('y', 1000) from generate_series(1, 20000)"))
  let rows = 0
  for (;;) {
    const { type } = await client.next()
    if (type === 'Z') break
    if (type === 'D') rows++
  }
  expect(rows).toBe(20_000)
})

test('what the compute refuses, the client reads', async () => {
  const client = wireClient(await openTls(first.pooledPort, `${endpointId}.${domain}`))
  clients.push(client)
  client.stream.write(startupPacket({ user: role, database: 'nowhere' }))
  expect(describe(await authenticate(client, { password }))).toContain('3D000')
  leave(client)
})

test.each(['bridged', 'direct'])(
  'a cancel request reaches a %s session by any process',
  async (kind) => {
    const client = await connect(kind === 'bridged' ? first.pooledPort : owner.port)
    client.stream.write(query('select pg_sleep(60)'))
    await untilRunning('select pg_sleep(60)')
    const cancelled = cancel(client.key)
    const error = must((await client.nextUntil('E')).at(-1), 'there is an answer')
    expect(describe(error)).toContain('57014')
    await cancelled
  },
)

test('a cancel request for a process that is gone is none of our troubles', async () => {
  expect(await cancel({ processId: 99 << 23, secretKey: 1 })).toHaveLength(0)
})

test('a client waits for the process that takes the place of a dead one', async () => {
  setSlots([9])
  const client = await begin(first.pooledPort)
  const login = authenticate(client, { password })
  await until(() => first.gateway.sessionCount === 1)
  setSlots([200])
  expect(describe(await login)).toBe('message R')
  await client.nextUntil('Z')
  expect(await ask(client, 'select 1')).toBe('1')
})

test('where none takes it, the client is told to try again', async () => {
  setSlots([9])
  const client = await begin(first.pooledPort)
  expect(describe(await authenticate(client, { password }))).toBe(
    '57P03 the pool of this endpoint is not available at the moment, try again',
  )
})

test('a process that is to end takes no session any more, and serves those it has', async () => {
  const inTransaction = await connect(owner.port)
  await ask(inTransaction, 'begin')
  const retired = owner.gateway.retire({ settleMs: 0, graceMs: 60_000 })
  const client = await begin(first.pooledPort)
  expect(describe(await authenticate(client, { password }))).toContain('57P03')
  await ask(inTransaction, 'commit')
  expect(describe(await inTransaction.next())).toContain('57P01')
  leave(inTransaction)
  await retired
})

test('the process that a client is connected to ends its session when it is idle', async () => {
  const idle = await connect(first.pooledPort)
  const busy = await connect(first.pooledPort)
  const inTransaction = await connect(first.pooledPort)
  await ask(inTransaction, 'begin')
  const sleep = "select pg_sleep(0.5), 'done'"
  busy.stream.write(query(sleep))
  await untilRunning(sleep)
  const stopped = first.gateway.retire({ settleMs: 0, graceMs: 60_000 })
  expect(describe(await idle.next())).toContain('57P01')
  const answer = await busy.nextUntil('Z')
  expect(answer.map(({ type }) => type).join('')).toBe('TDCZ')
  expect(describe(await busy.next())).toContain('57P01')
  expect(await ask(inTransaction, 'select 3')).toBe('3')
  await ask(inTransaction, 'commit')
  expect(describe(await inTransaction.next())).toContain('57P01')
  for (const client of clients) leave(client)
  await stopped
  await until(() => owner.gateway.sessionCount === 0)
})

test('a client is told when the process that has its session ends', async () => {
  const client = await connect(first.pooledPort)
  await owner.gateway.stop()
  expect(describe(await client.next())).toContain('57P01')
  leave(client)
  await until(() => first.gateway.sessionCount === 0)
})

test('a client that leaves ends its session where it is', async () => {
  const client = await connect(first.pooledPort)
  await ask(client, 'begin')
  leave(client)
  await until(() => counts().every((count) => count === 0))
  const sudden = await connect(first.pooledPort)
  sudden.close()
  await until(() => counts().every((count) => count === 0))
})

test('short sessions come to their own end before idle ones are ended', async () => {
  const client = await connect(first.port)
  const retired = first.gateway.retire({ settleMs: 60_000, graceMs: 0 })
  expect(await ask(client, 'select 1')).toBe('1')
  leave(client)
  await retired
})

/** Only the lender of a sibling is under test. */
const noLender: Lender = {
  lease: async () => {
    throw new Error('the pools are not in this process')
  },
}

async function lease(databaseName = database): Promise<Lease> {
  const verifier = parseVerifier((await fixture.controlPlane.findVerifier(endpointId, role)) ?? '')
  const keys = await keysOfPassword(password, must(verifier, 'it is a SCRAM verifier'))
  const client: PoolClientDetails = {
    endpointId,
    role,
    database: databaseName,
    keys: must(keys, 'the password is right'),
    variables: new Map([['application_name', 'lent']]),
    clientAddress: '127.0.0.1',
    quiet: false,
    via: 'http',
  }
  return lendFromOwner(noLender, first.siblings).lease(client, AbortSignal.timeout(15_000))
}

test('a request borrows a connection where the pools are', async () => {
  const borrowed = await lease()
  const seen: string[] = []
  const note = (type: string): number => seen.push(type)
  expect(await borrowed.exchange(query("select current_setting('application_name')"), note)).toBe(
    'I',
  )
  expect(seen.join('')).toBe('TDC')
  expect(await borrowed.exchange(query('begin'), note)).toBe('T')
  borrowed.release()
  await until(() => owner.gateway.sessionCount === 0)
  await expect(lease('nowhere')).rejects.toMatchObject({ sqlstate: '3D000' })
})

test('what a request leaves is gone for whoever has its connection next', async () => {
  const ran = async (sql: string): Promise<string> => {
    const borrowed = await lease()
    let value = ''
    await borrowed.exchange(query(sql), (type, body) => {
      if (type === 'D') value = body.toString('utf8', 6)
    })
    borrowed.release()
    await until(() => owner.gateway.sessionCount === 0)
    return value
  }
  const pid = await ran('select pg_backend_pid()')
  const hidden = "'select set_con' || 'fig(''app.user'', ''mallory'', false)'"
  await ran(`select query_to_xml(${hidden}, true, true, '')`)
  const found = "select pg_backend_pid() || coalesce(current_setting('app.user', true), '')"
  expect(await ran(found)).toBe(pid)
})

test('a request that is given up is cancelled where it runs', async () => {
  const borrowed = await lease()
  const errors: string[] = []
  const running = borrowed.exchange(query('select pg_sleep(61)'), (type, body) => {
    if (type === 'E') errors.push(describe({ type, body }))
  })
  await untilRunning('select pg_sleep(61)')
  borrowed.cancel()
  expect(await running).toBe('I')
  expect(errors[0]).toContain('57014')
  borrowed.release()
  await until(() => owner.gateway.sessionCount === 0)
})

test('a request whose connection is lost fails', async () => {
  const borrowed = await lease()
  const running = borrowed.exchange(query('select pg_sleep(62)'), () => undefined)
  const outcome = running.catch((error: unknown) => error)
  await untilRunning('select pg_sleep(62)')
  await owner.gateway.stop()
  expect(await outcome).toBeInstanceOf(Disconnected)
  await expect(borrowed.exchange(query('select 1'), () => undefined)).rejects.toThrow(
    'disconnected',
  )
})

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { must } from '../lib/assert.ts'
import { AppError } from '../lib/errors.ts'
import { createVerifier } from '../lib/scram.ts'
import { openAccess } from '../testing/fake-control-plane.ts'
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
  readToEnd,
  startupPacket,
  startTls,
  type WireClient,
  wireClient,
} from '../testing/wire-client.ts'
import type { GatewayLimits } from './limits.ts'
import { message } from './wire/messages.ts'

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

async function restart(limits?: Partial<GatewayLimits>): Promise<void> {
  for (const client of clients.splice(0)) client.close()
  await fixture.restart(limits)
}

const host = `${endpointId}.${domain}`

/** A client that has sent its startup packet, by TLS with this server name. */
async function start(
  parameters: Record<string, string> = {},
  servername = host,
): Promise<WireClient> {
  const client = wireClient(await openTls(fixture.port, servername))
  clients.push(client)
  client.stream.write(startupPacket({ user: role, database, ...parameters }))
  return client
}

async function answerPassword(text: string, servername = '', user = role): Promise<string> {
  const client = await start({ user }, servername)
  expect(await client.next()).toMatchObject({ type: 'R', body: Buffer.from([0, 0, 0, 3]) })
  client.stream.write(message('p', Buffer.from(`${text}\0`)))
  return describe(await client.next())
}

test('logs in, with the keys of the compute replaced and its parameters passed on', async () => {
  const client = await start({ application_name: 'app ü', search_path: 'pg_catalog' })
  expect(await authenticate(client, { password })).toMatchObject({
    type: 'R',
    body: Buffer.alloc(4),
  })
  const greeting = await client.nextUntil('Z')
  expect(greeting.map(({ type }) => type).filter((type) => type !== 'S')).toEqual(['K', 'Z'])
  const parameters = greeting.map(({ body }) => body.toString())
  expect(parameters).toContain('in_hot_standby\0off\0')
  // PostgreSQL shows names in ASCII, by a question mark or an escape for each other byte.
  expect(parameters).toContainEqual(expect.stringMatching(/^application_name\0app (\?\?|\\xc3)/))
  expect(fixture.controlPlane.wakes).toEqual([endpointId])
  expect(fixture.controlPlane.sessions).toMatchObject([
    { endpointId, role, database, applicationName: 'app ü', pooled: false },
  ])
})

test.each([
  ['plain', { password }],
  [
    'bound to the certificate',
    { password, mechanism: 'SCRAM-SHA-256-PLUS', gs2Header: 'p=tls-server-end-point,,' },
  ],
])('logs in by SCRAM %s', async (_, credentials) => {
  const client = await start()
  expect(describe(await authenticate(client, credentials))).toBe('message R')
})

test('offers channel binding first', async () => {
  const client = await start()
  const { body } = await client.next()
  expect(body.toString('latin1', 4)).toBe('SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0')
})

test.each([
  ['another certificate', { gs2Header: 'p=tls-server-end-point,,', binding: Buffer.alloc(32) }],
  ['an offer that was cut out', { gs2Header: 'y,,', mechanism: 'SCRAM-SHA-256' }],
])('refuses a login with %s', async (_, credentials) => {
  const client = await start()
  const mechanism = 'SCRAM-SHA-256-PLUS'
  const answer = await authenticate(client, { password, mechanism, ...credentials })
  expect(describe(answer)).toMatch(/^28000 SCRAM channel binding/)
  expect(fixture.controlPlane.wakes).toEqual([])
})

test.each([
  ['wrong password', host, role, 'wrong'],
  ['unknown role', host, 'nobody', password],
  ['unknown endpoint', `ep-other.${domain}`, role, password],
])('hides which part was wrong, and wakes nothing: %s', async (_, servername, user, given) => {
  const client = await start({ user }, servername)
  const answer = await authenticate(client, { password: given })
  expect(describe(answer)).toBe(`28P01 password authentication failed for user '${user}'`)
  expect(fixture.controlPlane.wakes).toEqual([])
  expect(fixture.controlPlane.sessions).toEqual([])
})

test('refuses a role that may not log in as one that does not exist', async () => {
  await fixture.postgres.sql(`create role sleeper nologin password '${password}'`)
  const client = await start({ user: 'sleeper' })
  expect(describe(await authenticate(client, { password }))).toMatch(/^28P01 /)
})

test('shows an unknown role the same salt every time', async () => {
  const salts = new Set<string>()
  for (let round = 0; round < 2; round++) {
    const client = await start({ user: 'nobody' })
    await client.next()
    const data = Buffer.from('n,,n=,r=abc')
    const length = Buffer.alloc(4)
    length.writeUInt32BE(data.length)
    client.stream.write(message('p', Buffer.concat([Buffer.from('SCRAM-SHA-256\0'), length, data])))
    salts.add(/s=([^,]+)/.exec((await client.next()).body.toString())?.[1] ?? '')
  }
  expect([...salts]).toEqual([expect.stringMatching(/^[A-Za-z0-9+/]{22}==$/)])
})

test('tells of a disabled endpoint only those who know the password', async () => {
  fixture.controlPlane.endpoints.set('ep-off', { ...openAccess('ep-off'), disabled: true })
  const right = await authenticate(await start({}, `ep-off.${domain}`), { password })
  expect(describe(right)).toBe('57P03 Control plane request failed: endpoint is disabled')
  const wrong = await authenticate(await start({}, `ep-off.${domain}`), { password: 'wrong' })
  expect(describe(wrong)).toMatch(/^28P01 /)
  expect(fixture.controlPlane.wakes).toEqual([])
})

test('admits only the addresses of the list, and says so only to those who know the password', async () => {
  const place = (allowedIps: string[]) =>
    fixture.controlPlane.endpoints.set('ep-few', { ...openAccess('ep-few'), allowedIps })
  const login = async (secret: string) =>
    describe(await authenticate(await start({}, `ep-few.${domain}`), { password: secret }))
  const refusal = /^28000 This IP address 127\.0\.0\.1 is not allowed to connect to this endpoint\./
  place(['192.0.2.0/24', '::1'])
  expect(await login(password)).toMatch(refusal)
  expect(await login('wrong')).toMatch(/^28P01 /)
  expect(await answerPassword(`endpoint=ep-few;${password}`)).toMatch(refusal)
  expect(fixture.controlPlane.wakes).toEqual([])
  place(['192.0.2.0/24', '127.0.0.1-127.0.0.9'])
  expect(await login(password)).toBe('message R')
})

test.each([
  ['endpoint=', ';'],
  ['project=', '$'],
])('takes the endpoint from the password: %s<id>%s', async (word, separator) => {
  expect(await answerPassword(`${word}${endpointId}${separator}${password}`)).toBe('message R')
  expect(fixture.controlPlane.wakes).toEqual([endpointId])
})

test('takes clients into the pool by each form of the name, and by the port', async () => {
  await authenticate(await start({}, `${endpointId}-pooler.${domain}`), { password })
  await authenticate(await start({ options: `endpoint=${endpointId}-pooler` }, ''), { password })
  await answerPassword(`endpoint=${endpointId}-pooler;${password}`)
  const client = wireClient(await openTls(fixture.pooledPort, host))
  clients.push(client)
  client.stream.write(startupPacket({ user: role, database }))
  await authenticate(client, { password })
  const { pools, clients: pooled } = await fixture.gateway.poolAdmin.report({})
  expect(pools.map((pool) => pool.endpointId)).toEqual([endpointId])
  expect(pooled.map((one) => one.endpointId)).toEqual(Array(4).fill(endpointId))
})

const missingEndpoint =
  "XX000 Endpoint ID is not specified. Either please upgrade the postgres client library (libpq) for SNI support or pass the endpoint ID (first part of the domain name) as a parameter: '?options=endpoint%3D<endpoint-id>'. See more at https://neon.tech/sni"

test.each([
  ['nothing names an endpoint', password, missingEndpoint],
  ['the password is empty', '', missingEndpoint],
  [
    'another endpoint',
    `endpoint=ep-other;${password}`,
    "28P01 password authentication failed for user 'tester'",
  ],
  [
    'a wrong password',
    `endpoint=${endpointId};wrong`,
    "28P01 password authentication failed for user 'tester'",
  ],
  [
    'a password over 512 bytes',
    `endpoint=${endpointId};${'x'.repeat(513)}`,
    "28P01 password authentication failed for user 'tester'",
  ],
  [
    'a bad name',
    `endpoint=e_p;${password}`,
    "XX000 Project name ('e_p') must contain only alphanumeric characters and hyphen.",
  ],
])('refuses the password form where %s', async (_, text, answer) => {
  expect(await answerPassword(text)).toBe(answer)
  expect(fixture.controlPlane.wakes).toEqual([])
})

test.each([
  [
    { options: 'endpoint=ep-b' },
    host,
    `XX000 Inconsistent project name inferred from SNI ('${endpointId}') and project option ('ep-b').`,
  ],
  [
    { options: 'project=ep_b' },
    '',
    "XX000 Project name ('ep_b') must contain only alphanumeric characters and hyphen.",
  ],
  [{ user: '' }, host, "XX000 Parameter 'user' is missing in startup packet."],
  [
    { replication: 'on' },
    host,
    '0A000 physical replication is not available: replication connections serve logical replication; to copy databases use pg_dump, or create a branch',
  ],
])('refuses %j', async (parameters: Record<string, string>, servername, answer) => {
  const client = await start(parameters, servername)
  expect(describe(await client.next())).toBe(answer)
  expect(await readToEnd(client.stream)).toHaveLength(0)
})

test('refuses a session without TLS', async () => {
  const client = wireClient(await openTcp(fixture.port))
  clients.push(client)
  client.stream.write(startupPacket({ user: role }))
  expect(describe(await client.next())).toBe(
    'XX000 connection is insecure (try using `sslmode=require`)',
  )
})

test('negotiates later protocol versions and unknown options down', async () => {
  const client = wireClient(await openTls(fixture.port, host))
  clients.push(client)
  const parameters = { user: role, database, '_pq_.later': '1' }
  client.stream.write(startupPacket(parameters, (3 << 16) | 2))
  const { type, body } = await client.next()
  expect([type, body.readUInt32BE(0), body.readUInt32BE(4), body.toString('latin1', 8)]).toEqual([
    'v',
    3 << 16,
    1,
    '_pq_.later\0',
  ])
  expect(describe(await authenticate(client, { password }))).toBe('message R')
})

test('refuses protocol 2.0', async () => {
  const client = wireClient(await openTls(fixture.port, host))
  clients.push(client)
  client.stream.write(startupPacket({ user: role }, 2 << 16))
  expect(describe(await client.next())).toBe(
    '0A000 unsupported frontend protocol 2.0: this server speaks 3.0',
  )
})

test('takes TLS at once from clients that name the protocol, and from no others', async () => {
  const socket = await openTcp(fixture.port)
  const stream = await startTls(socket, { servername: host, ALPNProtocols: ['postgresql'] })
  const client = wireClient(stream)
  clients.push(client)
  client.stream.write(startupPacket({ user: role, database }))
  expect(describe(await authenticate(client, { password }))).toBe('message R')

  const silent = await startTls(await openTcp(fixture.port), { servername: host })
  silent.write(startupPacket({ user: role, database }))
  expect(await readToEnd(silent)).toHaveLength(0)
  await expect(
    startTls(await openTcp(fixture.port), { servername: host, ALPNProtocols: ['http/1.1'] }),
  ).rejects.toThrow('closed')
})

test('passes an error of wake on, and hides one that is not for clients', async () => {
  fixture.controlPlane.beforeWake = async () => {
    throw new AppError('compute_start_failed', 'the disk of this branch is full')
  }
  expect(describe(await authenticate(await start(), { password }))).toBe(
    '57P03 the disk of this branch is full',
  )
  fixture.controlPlane.beforeWake = async () => {
    throw new Error('ENOENT /some/where')
  }
  expect(describe(await authenticate(await start(), { password }))).toBe(
    "XX000 Couldn't connect to compute node",
  )
})

test('keeps the client waiting while the compute starts, and wakes it once', async () => {
  let wakeUp: (() => void) | undefined
  fixture.controlPlane.beforeWake = async () =>
    new Promise((resolve) => {
      wakeUp = resolve
    })
  const client = await start()
  const answer = authenticate(client, { password })
  await until(() => wakeUp !== undefined)
  expect(fixture.controlPlane.sessions).toEqual([])
  wakeUp?.()
  expect(describe(await answer)).toBe('message R')
  expect(fixture.controlPlane.wakes).toEqual([endpointId])
})

test.each(['end', 'destroy'] as const)(
  'stops caring for a client that hangs up meanwhile: %s',
  async (how) => {
    let wakeUp: (() => void) | undefined
    fixture.controlPlane.beforeWake = async () =>
      new Promise((resolve) => {
        wakeUp = resolve
      })
    const client = await start()
    void authenticate(client, { password }).catch(() => undefined)
    await until(() => wakeUp !== undefined)
    const closed = readToEnd(client.stream)
    client.stream[how]()
    await closed.catch(() => undefined)
    wakeUp?.()
    fixture.controlPlane.beforeWake = async () => undefined
    expect(describe(await authenticate(await start(), { password }))).toBe('message R')
    expect(fixture.controlPlane.sessions).toHaveLength(1)
  },
)

test('passes on what the compute answers to a login', async () => {
  expect(describe(await authenticate(await start({ database: 'nowhere' }), { password }))).toBe(
    '3D000 database "nowhere" does not exist',
  )
  expect(describe(await authenticate(await start({ search_path: '"' }), { password }))).toMatch(
    /^22023 /,
  )
})

test('fails cleanly where the compute holds another verifier', async () => {
  fixture.controlPlane.verifierOverride = await createVerifier('older')
  expect(describe(await authenticate(await start(), { password: 'older' }))).toBe(
    `28P01 password authentication failed for user "${role}"`,
  )
  expect(fixture.controlPlane.sessions).toMatchObject([{ ends: 1 }])
})

test('checks a costly password where the client computes it, and not where it would be ours to', async () => {
  const costly = await createVerifier('x', { iterations: 200_001 })
  await fixture.postgres.sql(`create role costly login password '${costly}'`)
  const client = await start({ user: 'costly' })
  expect(describe(await authenticate(client, { password: 'x' }))).toBe('message R')
  expect(await answerPassword(`endpoint=${endpointId};x`, '', 'costly')).toMatch(
    /^54000 .* takes 200001 iterations to check/,
  )
})

test('waits for a compute that is not there yet', async () => {
  const { controlPlane, postgres } = fixture
  controlPlane.verifierOverride = await controlPlane.findVerifier(endpointId, role)
  await postgres.halt()
  try {
    const answer = authenticate(await start(), { password })
    await until(() => controlPlane.wakes.length > 2)
    await postgres.start()
    expect(describe(await answer)).toBe('message R')
    expect(controlPlane.sessions).toHaveLength(1)
  } finally {
    await postgres.halt()
    await postgres.start()
  }
})

test('tells the client where the compute cannot be reached', async () => {
  await restart({ startTimeoutMs: 200 })
  const { controlPlane, postgres } = fixture
  const { address } = controlPlane
  controlPlane.address = { socketPath: `${postgres.socketPath}.nowhere` }
  try {
    const answer = await authenticate(await start(), { password })
    expect(describe(answer)).toBe("XX000 Couldn't connect to compute node")
  } finally {
    controlPlane.address = address
    await restart()
  }
})

test('limits the sessions of an endpoint and the connections of all', async () => {
  await restart({ maxConnectionsPerEndpoint: 1 })
  expect(describe(await authenticate(await start(), { password }))).toBe('message R')
  expect(describe(await authenticate(await start(), { password }))).toBe(
    '53300 Too many connections to this endpoint. Please try again later.',
  )
  await restart({ maxConnections: 1 })
  await start()
  expect(describe(await (await start()).next())).toMatch(/^53300 Too many connections/)
  await restart()
})

test('makes an address wait that has failed too often', async () => {
  await restart({ maxFailuresPerAddress: 2 })
  expect(describe(await authenticate(await start(), { password: 'wrong' }))).toMatch(/^28P01/)
  expect(await answerPassword(`endpoint=${endpointId};wrong`)).toMatch(/^28P01/)
  expect(describe(await (await start()).next())).toBe('53300 Too many connections attempts')
  await restart()
})

test('gives up on a client that takes too long', async () => {
  await restart({ handshakeTimeoutMs: 100 })
  const client = await start()
  await client.next()
  expect(describe(await client.next())).toBe('XX000 Authentication timed out')
  await restart()
})

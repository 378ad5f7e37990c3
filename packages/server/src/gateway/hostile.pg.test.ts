import { dirname } from 'node:path'
import { connect as connectTls } from 'node:tls'

import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { must } from '../lib/assert.ts'
import { createLog } from '../lib/log.ts'
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
import {
  authenticate,
  describe,
  openTcp,
  openTls,
  readSome,
  readToEnd,
  requestPacket,
  sslRequest,
  startTls,
  startupPacket,
  wireClient,
} from '../testing/wire-client.ts'
import { readCertificatePair } from './certificate-pair.ts'
import { ensureCertificates } from './certificates.ts'
import { createGateway } from './gateway.ts'
import { message, requestCodes } from './wire/messages.ts'

let fixture: GatewayFixture
beforeAll(async () => {
  const installation = must((await findInstallations()).at(-1), 'there is a PostgreSQL here')
  fixture = await startGatewayFixture(installation)
})
afterAll(async () => fixture?.stop())
beforeEach(async () => resetControlPlane(fixture.controlPlane))

const servername = `${endpointId}.${domain}`
const startup = startupPacket({ user: role, database })
const gssencRequest = requestPacket(requestCodes.gssenc)

async function canLogIn(): Promise<boolean> {
  const client = wireClient(await openTls(fixture.port, servername))
  try {
    client.stream.write(startup)
    return describe(await authenticate(client, { password })) === 'message R'
  } finally {
    client.close()
  }
}

test.each([
  ['a startup packet after SSLRequest', Buffer.concat([sslRequest, startup])],
  ['a startup packet after GSSENCRequest', Buffer.concat([gssencRequest, startup])],
  ['a byte after SSLRequest', Buffer.concat([sslRequest, Buffer.alloc(1)])],
])('takes nothing over from before TLS: %s', async (_, bytes) => {
  const socket = await openTcp(fixture.port)
  socket.write(bytes)
  const words = (await readToEnd(socket)).toString('latin1')
  expect(words.startsWith('E')).toBe(true)
  expect(words).toContain('received unencrypted data')
})

test('takes nothing for TLS that comes after the answer and is none', async () => {
  const socket = await openTcp(fixture.port)
  socket.write(sslRequest)
  expect((await readSome(socket)).toString()).toBe('S')
  socket.write(startup)
  expect((await readToEnd(socket)).toString('latin1')).not.toContain('SCRAM')
})

test('answers GSSENCRequest by N, and goes on to TLS', async () => {
  const socket = await openTcp(fixture.port)
  socket.write(gssencRequest)
  expect((await readSome(socket)).toString()).toBe('N')
  socket.write(sslRequest)
  expect((await readSome(socket)).toString()).toBe('S')
  const client = wireClient(await startTls(socket, { servername }))
  client.stream.write(startup)
  expect(describe(await authenticate(client, { password }))).toBe('message R')
  client.close()
})

test.each([
  ['GSSENCRequest again', gssencRequest],
  ['a startup packet', startup],
])('ends what comes without TLS after N: %s', async (_, bytes) => {
  const socket = await openTcp(fixture.port)
  socket.write(gssencRequest)
  await readSome(socket)
  socket.write(bytes)
  expect((await readToEnd(socket)).toString('latin1', 0, 1)).toBe('E')
})

test('refuses a request for encryption inside TLS', async () => {
  const stream = await openTls(fixture.port, servername)
  stream.write(sslRequest)
  expect((await readToEnd(stream)).toString()).toContain('08P01')
})

test('refuses TLS before 1.2', async () => {
  const socket = await openTcp(fixture.port)
  socket.write(sslRequest)
  await readSome(socket)
  const stream = connectTls({
    socket,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
  })
  await expect(
    new Promise((resolve, reject) => {
      stream.once('secureConnect', resolve)
      stream.once('error', reject)
    }),
  ).rejects.toThrow(/protocol version|unsupported protocol/i)
})

test.each([
  ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ['a packet over the limit', Buffer.from('00002711', 'hex')],
  ['a packet under the limit', Buffer.from('0000000700', 'hex')],
  ['an empty startup packet', Buffer.from('0000000800030000', 'hex')],
])('ends %s', async (_, bytes) => {
  const socket = await openTcp(fixture.port)
  socket.write(bytes)
  expect((await readToEnd(socket)).toString('latin1')).toContain('08P01')
})

test.each([
  ['a message of another type', message('Q', Buffer.from('select 1\0'))],
  ['a message over the limit', message('p', Buffer.alloc(1025))],
  ['a message without a mechanism', message('p', Buffer.from('SCRAM-SHA-256'))],
  ['an unknown mechanism', message('p', Buffer.from('SCRAM-SHA-1\0\0\0\0\u0001x'))],
  ['a length that is not the data’s', message('p', Buffer.from('SCRAM-SHA-256\0\0\0\0\u0009x'))],
  ['a negative length', Buffer.from('7000000003', 'hex')],
])('refuses in place of SASL %s', async (_, bytes) => {
  const client = wireClient(await openTls(fixture.port, servername))
  client.stream.write(startup)
  await client.next()
  client.stream.write(bytes)
  expect(describe(await client.next())).toMatch(/^08P01 /)
  expect(fixture.controlPlane.wakes).toEqual([])
  client.close()
})

test('survives any bytes at any stage, and serves on', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('tcp', 'tls', 'sasl'),
      fc.uint8Array({ minLength: 1, maxLength: 300 }),
      async (stage, bytes) => {
        const stream =
          stage === 'tcp' ? await openTcp(fixture.port) : await openTls(fixture.port, servername)
        if (stage === 'sasl') stream.write(startup)
        stream.end(bytes)
        await readToEnd(stream).catch(() => undefined)
      },
    ),
    { numRuns: 60 },
  )
  expect(await canLogIn()).toBe(true)
  expect(fixture.controlPlane.wakes).toEqual([endpointId])
})

test('logs no password and no part of an exchange', async () => {
  const lines: string[] = []
  const log = createLog({ level: 'trace', toStderr: false })
  const recording = new Proxy(log, {
    get: (target, name) =>
      ['trace', 'debug', 'info', 'warn', 'error'].includes(String(name))
        ? (...entry: unknown[]) => lines.push(JSON.stringify(entry))
        : Reflect.get(target, name),
  })
  const gateway = createGateway({
    controlPlane: fixture.controlPlane,
    tls: await readCertificatePair(fixture.certificates),
    secret: 'a secret',
    domain,
    listen: [{ host: '127.0.0.1', port: 0, pooled: false }],
    log: recording,
  })
  await gateway.start()
  try {
    const port = gateway.addresses()[0]?.port ?? 0
    for (const given of ['wrong-secret', password]) {
      fixture.controlPlane.beforeWake = async () => {
        throw new Error('no compute today')
      }
      const client = wireClient(await openTls(port, servername))
      client.stream.write(startup)
      expect(describe(await authenticate(client, { password: given }))).not.toBe('message R')
      client.close()
    }
  } finally {
    await gateway.stop()
  }
  expect(lines.join('\n')).toContain('no compute today')
  expect(lines.join('\n')).not.toMatch(/wrong-secret|battery|r=|p=|v=/)
})

test('shows a new certificate after a reload, to connections from then on', async () => {
  const older = await openTls(fixture.port, servername)
  const before = older.getPeerCertificate().fingerprint256
  const directory = dirname(fixture.certificates.certPath)
  await ensureCertificates({ directory, domain, extraNames: ['db.example.com'] })
  fixture.gateway.reloadCertificates(await readCertificatePair(fixture.certificates))
  const newer = wireClient(await openTls(fixture.port, servername))
  const shown = newer.stream as typeof older
  const after = shown.getPeerCertificate().fingerprint256
  expect(after).not.toBe(before)
  newer.stream.write(startup)
  const bound = { mechanism: 'SCRAM-SHA-256-PLUS', gs2Header: 'p=tls-server-end-point,,' }
  expect(describe(await authenticate(newer, { password, ...bound }))).toBe('message R')
  const client = wireClient(older)
  client.stream.write(startup)
  expect(describe(await authenticate(client, { password, ...bound }))).toBe('message R')
  newer.close()
  client.close()
})

test('listens on both loopback addresses, and no more after stop', async () => {
  const gateway = createGateway({
    controlPlane: fixture.controlPlane,
    tls: await readCertificatePair(fixture.certificates),
    secret: 'a secret',
    domain,
    listen: [
      { host: '127.0.0.1', port: 0, pooled: false },
      { host: '::1', port: 0, pooled: true },
    ],
    log: createLog({ level: 'silent', toStderr: false }),
  })
  await gateway.start()
  const addresses = gateway.addresses()
  expect(addresses[0]).toMatchObject({ host: '127.0.0.1', pooled: false })
  expect(addresses[0]?.port).toBeGreaterThan(0)
  await gateway.stop()
  await gateway.stop()
  expect(gateway.addresses()).toEqual([])
  await expect(openTcp(addresses[0]?.port ?? 0)).rejects.toThrow('closed')
})

test('says which address is taken', async () => {
  const gateway = createGateway({
    controlPlane: fixture.controlPlane,
    tls: await readCertificatePair(fixture.certificates),
    secret: 'a secret',
    domain,
    listen: [{ host: '127.0.0.1', port: fixture.port, pooled: false }],
    log: createLog({ level: 'silent', toStderr: false }),
  })
  await expect(gateway.start()).rejects.toThrow(`cannot listen on 127.0.0.1 port ${fixture.port}`)
  await gateway.stop()
})

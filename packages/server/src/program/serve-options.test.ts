import { createServer } from 'node:net'

import { expect, test } from 'vitest'

import { readEnvironment } from '../lib/config.ts'
import { choosePorts } from './ports.ts'
import { serveOptions } from './serve-options.ts'

const options = (flags: Record<string, string>, saved = {}) =>
  serveOptions(flags, readEnvironment(), saved)

test('flags win over what was saved, and that over the defaults', () => {
  expect(options({})).toMatchObject({ directPort: 5432, pooledPort: 6432, apiPort: 7432 })
  const saved = { direct_port: 5433, domain: 'db.example.org' }
  expect(options({}, saved)).toMatchObject({ directPort: 5433, domain: 'db.example.org' })
  expect(options({ port: '5434' }, saved)).toMatchObject({ directPort: 5434 })
})

test.for([
  [{ port: '0' }, 'not a port'],
  [{ port: '65536' }, 'not a port'],
  [{ 'api-port': 'http' }, 'not a port'],
  [{ 'public-port': 'none' }, 'not a port'],
  [{ 'host-port': 'no' }, 'neither auto nor never'],
  [{ 'tls-cert': '/a' }, 'go together'],
  [{ 'tls-key': '/a' }, 'go together'],
  [{ 'tls-cert': 'own', 'tls-key': '/a' }, 'go together'],
  [{ 'trust-extensions': 'postgis,a b' }, 'no extension'],
  [{ limits: 'none' }, 'neither auto nor off'],
  [{ 'freeze-after': '1' }, 'nor never'],
  [{ 'compute-memory': '120%' }, 'from 1% to 100%'],
  [{ 'max-awake': '0' }, 'from 1 up'],
  [{ 'trust-extensions': 'dblink' }, 'stays refused: they open connections'],
  [{ domain: 'localhost' }, 'at least two labels'],
  [{ domain: 'db.example.org/x' }, 'at least two labels'],
] as const)('%j is refused', ([flags, message]) => {
  expect(() => options(flags)).toThrow(message)
})

test('what clients see is remembered until it is taken back', () => {
  const saved = { public_port: 15432, host_port: 'never', tls_cert: '/c', tls_key: '/k' }
  expect(options({}, saved)).toMatchObject({
    publicPort: 15432,
    publicPooledPort: undefined,
    hostPort: 'never',
    certificateFiles: { certPath: '/c', keyPath: '/k' },
    isCertificateNew: false,
  })
  const trusted = { 'trust-extensions': 'postgis,h3' }
  expect(options(trusted)).toMatchObject({ trustedExtensions: ['postgis', 'h3'] })
  const trust = { trust_extensions: ['postgis'] }
  expect(options({}, trust)).toMatchObject({ trustedExtensions: ['postgis'] })
  expect(options({ 'trust-extensions': 'none' }, trust)).toMatchObject({ trustedExtensions: [] })
  const back = { 'public-port': 'same', 'host-port': 'auto', 'tls-cert': 'own' }
  expect(options(back, saved)).toMatchObject({
    publicPort: undefined,
    hostPort: 'auto',
    certificateFiles: undefined,
  })
  expect(options({ 'tls-cert': '/a', 'tls-key': '/b' }, saved)).toMatchObject({
    certificateFiles: { certPath: '/a', keyPath: '/b' },
    isCertificateNew: true,
  })
})

test('what computes may have of the machine is remembered, and taken back by default', () => {
  const flags = { 'freeze-after': 'never', 'compute-memory': '4G', 'max-awake': '7' }
  const { computes } = options(flags)
  expect(computes.freezeAfterMs).toBeUndefined()
  expect(computes.capacity).toMatchObject({ maxAwake: 7, memoryBytes: 4 * 1024 ** 3 })
  const saved = {
    limits: 'auto' as const,
    freeze_after: 'never',
    compute_memory: '4G',
    max_awake: '7',
  }
  expect(computes.saved).toEqual(saved)
  expect(options({ 'max-awake': 'default' }, saved).computes.saved.max_awake).toBeUndefined()
  expect(options({}).computes.freezeAfterMs).toBe(10_000)
})

test('a taken port is replaced by the next free one, unless it was asked for', async () => {
  const taken = createServer()
  await new Promise<void>((resolve) => {
    taken.listen(0, '127.0.0.1', resolve)
  })
  const address = taken.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const wanted = { ...options({}), directPort: port }
  const chosen = await choosePorts(wanted)
  expect(chosen.direct).toBeGreaterThan(port)
  await expect(
    choosePorts({ ...wanted, fixed: { direct: true, pooled: false, sql: false, api: false } }),
  ).rejects.toThrow(`port ${port} is in use`)
  await new Promise((resolve) => {
    taken.close(resolve)
  })
})

import { X509Certificate } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { createServer, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { ensureCertificates } from './certificates.ts'

const domain = 'coppice.localhost'
let parent: string
let directory: string
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'certificates-'))
  directory = join(parent, 'tls')
})
afterEach(async () => rm(parent, { recursive: true, force: true }))

async function certificate(path: string): Promise<X509Certificate> {
  return new X509Certificate(await readFile(path))
}

test('makes a CA and a certificate for the domain, its endpoints and this machine', async () => {
  const paths = await ensureCertificates({
    directory,
    domain,
    extraNames: ['db.example.com', '192.0.2.7', '2001:DB8::7'],
  })
  const [ca, server] = await Promise.all([certificate(paths.caPath), certificate(paths.certPath)])
  expect(server.verify(ca.publicKey)).toBe(true)
  expect([ca.ca, server.ca]).toEqual([true, false])
  const names = [domain, `ep-a.${domain}`, 'localhost', 'db.example.com']
  expect(names.filter((name) => server.checkHost(name) === undefined)).toEqual([])
  const addresses = ['127.0.0.1', '::1', '192.0.2.7', '2001:db8::7']
  expect(addresses.filter((address) => server.checkIP(address) === undefined)).toEqual([])
  expect(server.checkHost(`a.b.${domain}`)).toBeUndefined()
  const days = (Date.parse(server.validTo) - Date.now()) / 86_400_000
  expect(days).toBeGreaterThan(819)
  expect(days).toBeLessThanOrEqual(820)
})

test('keeps keys to their owner and leaves nothing else behind', async () => {
  const { caPath, keyPath } = await ensureCertificates({ directory, domain })
  expect((await readdir(directory)).toSorted()).toEqual([
    'ca.crt',
    'ca.key',
    'server.crt',
    'server.key',
  ])
  const modeOf = async (path: string) => (await stat(path)).mode & 0o777
  expect(await modeOf(keyPath)).toBe(0o600)
  expect(await modeOf(join(directory, 'ca.key'))).toBe(0o600)
  expect(await modeOf(caPath)).toBe(0o644)
})

test('keeps what is good and replaces the server certificate alone when the names change', async () => {
  const first = await ensureCertificates({ directory, domain })
  const [ca, server] = await Promise.all([readFile(first.caPath), readFile(first.certPath)])
  await ensureCertificates({ directory, domain, extraNames: ['localhost'] })
  expect(await readFile(first.certPath)).toEqual(server)
  await ensureCertificates({ directory, domain, extraNames: ['db.example.com'] })
  expect(await readFile(first.certPath)).not.toEqual(server)
  expect(await readFile(first.caPath)).toEqual(ca)
})

test.each(['server.crt', 'server.key', 'ca.crt', 'ca.key'])(
  'recovers from the loss of %s',
  async (file) => {
    const paths = await ensureCertificates({ directory, domain })
    await rm(join(directory, file))
    await ensureCertificates({ directory, domain })
    const [ca, server] = await Promise.all([certificate(paths.caPath), certificate(paths.certPath)])
    expect(server.verify(ca.publicKey)).toBe(true)
  },
)

test.each(['a b', 'x\nsubjectAltName=DNS:evil', 'DNS:x', '', '*.*.x'])(
  'refuses the name %j',
  async (name) => {
    await expect(ensureCertificates({ directory, domain, extraNames: [name] })).rejects.toThrow(
      'is no host name',
    )
  },
)

test('is what an HTTPS client accepts for an endpoint and for the loopback address', async () => {
  const paths = await ensureCertificates({ directory, domain })
  const [ca, cert, key] = await Promise.all([
    readFile(paths.caPath),
    readFile(paths.certPath),
    readFile(paths.keyPath),
  ])
  const server = createServer({ cert, key }, (_request, response) => response.end('ok'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  try {
    const bound = server.address()
    const port = typeof bound === 'object' && bound !== null ? bound.port : 0
    const status = async (servername: string) =>
      new Promise((resolve, reject) => {
        const call = request({ host: '127.0.0.1', port, servername, ca }, (response) => {
          response.resume()
          resolve(response.statusCode)
        })
        call.on('error', reject)
        call.end()
      })
    expect(await status(`ep-a.${domain}`)).toBe(200)
    expect(await status('localhost')).toBe(200)
    await expect(status('example.com')).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    })
  } finally {
    server.close()
  }
})

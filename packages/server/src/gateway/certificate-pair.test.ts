import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { exec } from '../lib/exec.ts'
import { createForeignAuthority, type ForeignAuthority } from '../testing/openssl-ca.ts'
import { describeCertificate, readCertificatePair } from './certificate-pair.ts'

const domain = 'db.example.com'
let directory: string
let authority: ForeignAuthority
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pair-'))
  authority = await createForeignAuthority(directory)
})
afterAll(async () => rm(directory, { recursive: true, force: true }))

test('a good pair is described without a warning', async () => {
  const files = await authority.issue({ name: 'good', names: [domain, `*.${domain}`] })
  const found = describeCertificate(await readCertificatePair(files), domain)
  expect(found).toMatchObject({
    names: [domain, `*.${domain}`],
    issuer: 'Foreign intermediate',
    isValidNow: true,
    warnings: [],
  })
})

test('one that covers a name alone is told apart, and so is another domain', async () => {
  const files = await authority.issue({ name: 'narrow', names: [domain] })
  const material = await readCertificatePair(files)
  expect(describeCertificate(material, domain).warnings).toEqual([
    expect.stringContaining(`not for *.${domain}: clients that verify`),
  ])
  expect(describeCertificate(material, 'other.example').warnings).toEqual([
    expect.stringContaining('not for other.example and *.other.example'),
  ])
})

test('its end is told from two weeks before', async () => {
  const files = await authority.issue({ name: 'brief', names: [domain, `*.${domain}`], days: 20 })
  const material = await readCertificatePair(files)
  const inDays = (days: number) =>
    describeCertificate(material, domain, Date.now() + days * 86_400_000)
  expect(inDays(5).warnings).toEqual([])
  expect(inDays(7).warnings).toEqual([expect.stringContaining('expires on')])
  expect(inDays(21)).toMatchObject({ isValidNow: false })
  expect(inDays(21).warnings).toEqual([expect.stringContaining('has expired on')])
  expect(inDays(-1).warnings).toEqual([expect.stringContaining('not valid before')])
})

const at = (name: string) => join(directory, name)

test.for([
  ['a file that is missing', 'none', 'base.key', 'cannot read .*none .ENOENT.'],
  ['no certificate', 'base.key', 'base.key', 'base.key holds no certificate in PEM'],
  ['no key', 'base.pem', 'base.pem', 'base.pem holds no private key in PEM'],
  ['the key of another', 'base.pem', 'other.key', 'other.key is not that of .*base.pem'],
  ['a key with a passphrase', 'base.pem', 'sealed.key', 'without a passphrase'],
] as const)('what TLS cannot use is refused: %s', async ([, cert, key, message]) => {
  const { keyPath } = await authority.issue({ name: 'base', names: [domain] })
  await authority.issue({ name: 'other', names: [domain] })
  const sealed = ['pkey', '-in', keyPath, '-aes128', '-passout', 'pass:x', '-out', at('sealed.key')]
  await exec('openssl', sealed)
  const reading = readCertificatePair({ certPath: at(cert), keyPath: at(key) })
  await expect(reading).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringMatching(message),
  })
})

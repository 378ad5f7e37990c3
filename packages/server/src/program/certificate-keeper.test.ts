import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'

import pino from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'

import type { CertificateFiles } from '../gateway/certificate-pair.ts'
import type { TlsMaterial } from '../gateway/tls.ts'
import { createForeignAuthority, type ForeignAuthority } from '../testing/openssl-ca.ts'
import { CertificateKeeper, type CertificateSource, readCertificate } from './certificate-keeper.ts'

const domain = 'db.example.com'
let directory: string
let authority: ForeignAuthority
let files: CertificateFiles
let taken: TlsMaterial[]
let logged: string[]
let refusal: Error | undefined
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keeper-'))
  authority = await createForeignAuthority(directory)
  files = { certPath: join(directory, 'live.pem'), keyPath: join(directory, 'live.key') }
  ;[taken, logged, refusal] = [[], [], undefined]
})
afterEach(async () => rm(directory, { recursive: true, force: true }))

async function issue(name: string, parts: ('cert' | 'key')[] = ['cert', 'key']): Promise<void> {
  const made = await authority.issue({ name, names: [domain, `*.${domain}`] })
  if (parts.includes('cert')) await copyFile(made.certPath, files.certPath)
  if (parts.includes('key')) await copyFile(made.keyPath, files.keyPath)
}

async function open(source: CertificateSource): Promise<CertificateKeeper> {
  const sink = new Writable({
    write(chunk, _encoding, done) {
      logged.push(String(chunk))
      done()
    },
  })
  return new CertificateKeeper(await readCertificate(source), {
    source,
    log: pino({ level: 'warn' }, sink),
    onChange: async (material) => {
      if (refusal) throw refusal
      taken.push(material)
    },
  })
}

const ofOperator = (): CertificateSource => ({ directory, domain, files })

test('takes a renewed pair, once', async () => {
  await issue('first')
  const keeper = await open(ofOperator())
  await keeper.look()
  expect(taken).toHaveLength(0)
  await issue('second')
  await keeper.look()
  await keeper.look()
  expect(taken).toEqual([await readCertificate(ofOperator())])
  expect(keeper.status()).toMatchObject({ kind: 'files', file: files.certPath, warnings: [] })
})

test('a renewal that is half done is waited for in silence', async () => {
  await issue('first')
  const keeper = await open(ofOperator())
  await issue('second', ['cert'])
  await keeper.look()
  expect([taken.length, logged.length]).toEqual([0, 0])
  await issue('third')
  await keeper.look()
  expect([taken.length, logged.length]).toEqual([1, 0])
})

test('a bad file keeps the old one and is logged once, and again after a good one', async () => {
  await issue('first')
  const keeper = await open(ofOperator())
  const before = keeper.status()
  await writeFile(files.certPath, 'not a certificate')
  for (let look = 0; look < 4; look++) await keeper.look()
  expect(taken).toHaveLength(0)
  expect(keeper.status()).toEqual(before)
  expect(logged).toHaveLength(1)
  expect(logged[0]).toContain('holds no certificate in PEM')
  await issue('second')
  await keeper.look()
  expect(taken).toHaveLength(1)
  await rm(files.keyPath)
  for (let look = 0; look < 3; look++) await keeper.look()
  expect(logged).toHaveLength(2)
})

test('what the gateway has not taken is offered again', async () => {
  await issue('first')
  const keeper = await open(ofOperator())
  await issue('second')
  refusal = new Error('busy')
  await keeper.look()
  refusal = undefined
  await keeper.look()
  expect(taken).toHaveLength(1)
})

test('the platform’s own is renewed in time, and made anew where it is gone', async () => {
  const source = { directory, domain, files: undefined }
  const keeper = await open(source)
  expect(keeper.status()).toMatchObject({ kind: 'own', issuer: 'Coppice CA', warnings: [] })
  await rm(join(directory, 'server.crt'))
  await keeper.look()
  expect(taken).toHaveLength(1)
})

test('one that has expired is refused where it is new, and used where it is remembered', async () => {
  const made = await authority.issue({ name: 'old', names: [`*.${domain}`], days: -1 })
  const source = { directory, domain, files: made }
  await expect(readCertificate(source, { mustBeValid: true })).rejects.toThrow('has expired')
  expect((await open(source)).status().warnings).toHaveLength(2)
})

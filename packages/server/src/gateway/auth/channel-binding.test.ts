import { createHash, X509Certificate } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { exec } from '../../lib/exec.ts'
import { certificateHash } from './channel-binding.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'binding-'))
})
afterAll(async () => rm(directory, { recursive: true, force: true }))

test.each([
  ['ECDSA with SHA-256', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-sha256'], 'sha256'],
  ['ECDSA with SHA-384', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384', '-sha384'], 'sha384'],
  ['RSA with SHA-1', ['rsa:2048', '-sha1'], 'sha256'],
  ['RSA with SHA-512', ['rsa:2048', '-sha512'], 'sha512'],
  ['RSA-PSS with SHA-384', ['rsa:2048', '-sha384', '-sigopt', 'rsa_padding_mode:pss'], 'sha384'],
  ['RSA-PSS with SHA-1', ['rsa:2048', '-sha1', '-sigopt', 'rsa_padding_mode:pss'], 'sha256'],
  ['Ed25519', ['ed25519'], undefined],
])('hashes a certificate signed by %s as RFC 5929 wants', async (_, key, algorithm) => {
  const keyPath = join(directory, 'key')
  const pem = await exec('openssl', [
    'req',
    '-x509',
    '-nodes',
    '-subj',
    '/CN=x',
    '-keyout',
    keyPath,
    '-newkey',
    ...key,
  ])
  const { raw } = new X509Certificate(pem)
  const expected = algorithm && createHash(algorithm).update(raw).digest()
  expect(certificateHash(raw)).toEqual(expected)
})

test('answers nothing for what is no certificate', () => {
  expect(certificateHash(Buffer.alloc(0))).toBeUndefined()
  expect(certificateHash(Buffer.from('3003020101', 'hex'))).toBeUndefined()
})

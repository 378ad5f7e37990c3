import fc from 'fast-check'
import { expect, test } from 'vitest'

import { must } from './assert.ts'
import {
  clientKeyOfProof,
  clientProof,
  createVerifier,
  isAffordable,
  keysOfPassword,
  maxOwnIterations,
  parseVerifier,
  renderVerifier,
  saslPrep,
  serverSignature,
  verifyPassword,
} from './scram.ts'

test('computes the example of RFC 7677, section 3', async () => {
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
  const text = await createVerifier('pencil', { iterations: 4096, salt })
  const verifier = must(parseVerifier(text), 'our own verifier parses')
  const authMessage =
    'n=user,r=rOprNGfwEbeRWgbNEkqO,' +
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,' +
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
  const keys = must(await keysOfPassword('pencil', verifier), 'the password is right')
  const proof = clientProof(keys.clientKey, authMessage)
  expect(proof.toString('base64')).toBe('dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=')
  expect(serverSignature(verifier.serverKey, authMessage).toString('base64')).toBe(
    '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  )
  expect(clientKeyOfProof(proof, verifier, authMessage)).toEqual(keys.clientKey)
})

test('accepts the password of a verifier and no other', async () => {
  const verifier = await createVerifier('correct horse')
  expect(verifier).toMatch(/^SCRAM-SHA-256\$4096:[^$]{24}\$[^:]{44}:.{44}$/)
  expect(await verifyPassword('correct horse', verifier)).toBe(true)
  expect(await verifyPassword('correct horse ', verifier)).toBe(false)
  expect(await verifyPassword('', verifier)).toBe(false)
})

test('salts every verifier anew and takes the iterations asked for', async () => {
  const [one, two] = await Promise.all([createVerifier('x'), createVerifier('x')])
  expect(one).not.toBe(two)
  expect(parseVerifier(await createVerifier('x', { iterations: 1 }))?.iterations).toBe(1)
})

test('renders what it parsed', async () => {
  const text = await createVerifier('x', { iterations: 7 })
  expect(renderVerifier(must(parseVerifier(text), 'it parses'))).toBe(text)
})

test.each([
  '',
  'md5d41d8cd98f00b204e9800998ecf8427e',
  'SCRAM-SHA-256$4096:AAAA$AAAA:AAAA',
  'SCRAM-SHA-256$0:AAAA$47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
  'SCRAM-SHA-1$4096:AAAA$47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
])('takes %j for no verifier', async (text) => {
  expect(parseVerifier(text)).toBeUndefined()
  expect(await verifyPassword('', text)).toBe(false)
})

test('checks no password that takes more than its share to check', async () => {
  const text = await createVerifier('x', { iterations: maxOwnIterations })
  expect(isAffordable(must(parseVerifier(text), 'it parses'))).toBe(true)
  expect(await verifyPassword('x', text)).toBe(true)
  const costly = text.replace(`$${maxOwnIterations}:`, `$${maxOwnIterations + 1}:`)
  expect(isAffordable(must(parseVerifier(costly), 'clients may compute it'))).toBe(false)
  expect(await verifyPassword('x', costly)).toBe(false)
})

test('reveals no key for a proof of any other password or message', async () => {
  const verifier = must(parseVerifier(await createVerifier('x', { iterations: 1 })), 'it parses')
  const keys = must(await keysOfPassword('x', verifier), 'the password is right')
  const proof = clientProof(keys.clientKey, 'message')
  expect(clientKeyOfProof(proof, verifier, 'message')).toEqual(keys.clientKey)
  expect(clientKeyOfProof(proof, verifier, 'massage')).toBeUndefined()
  expect(clientKeyOfProof(proof.subarray(1), verifier, 'message')).toBeUndefined()
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      fc.pre(!proof.equals(bytes))
      return clientKeyOfProof(Buffer.from(bytes), verifier, 'message') === undefined
    }),
  )
})

test.each([
  ['leaves ASCII alone, control characters too', 'a\tb\u0007 c', 'a\tb\u0007 c'],
  ['maps other spaces to a space', 'a\u00a0b\u3000c', 'a b c'],
  ['drops what is mapped to nothing', 'I\u00adX', 'IX'],
  ['normalises to NFKC', '\u2168 \u00aa \ufb01', 'IX a fi'],
  ['composes', 'e\u0301', '\u00e9'],
  ['uses a password with forbidden characters unchanged', '\ufb01\u0007', '\ufb01\u0007'],
  ['uses a password of which nothing is left unchanged', '\u00ad', '\u00ad'],
  ['uses a password with younger characters unchanged', 'ﬁ\u{1f600}', 'ﬁ\u{1f600}'],
  ['prepares characters of later planes', 'ﬁ\u{20000}', 'fi\u{20000}'],
  ['uses a password with code points that are no characters unchanged', 'ﬁ\u{1fffe}', 'ﬁ\u{1fffe}'],
])('SASLprep %s', (_, password, prepared) => {
  expect(saslPrep(password)).toBe(prepared)
})

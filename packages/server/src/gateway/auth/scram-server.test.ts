import fc from 'fast-check'
import { expect, test } from 'vitest'

import { must } from '../../lib/assert.ts'
import { clientProof, createVerifier, keysOfPassword, parseVerifier } from '../../lib/scram.ts'
import { startBackendScram } from './backend-scram.ts'
import { scramMechanism, scramPlusMechanism, startScram } from './scram-server.ts'

const rfcSalt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
const text = await createVerifier('pencil', { salt: rfcSalt })
const verifier = must(parseVerifier(text), 'it parses')
const keys = must(await keysOfPassword('pencil', verifier), 'the password is right')
const certificate = Buffer.alloc(32, 7)

test('speaks the example of RFC 7677, section 3', () => {
  const exchange = startScram('n,,n=user,r=rOprNGfwEbeRWgbNEkqO', {
    mechanism: scramMechanism,
    verifier,
    channelBinding: undefined,
    serverNonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  })
  expect(exchange.serverFirst).toBe(
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  )
  const success = exchange.finish(
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,' +
      'p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  )
  expect(success).toEqual({
    serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
    keys,
  })
})

interface Attempt {
  gs2Header?: string
  mechanism?: string
  channelBinding?: Buffer | undefined
  /** What the client binds to. */
  binding?: Buffer
  clientKey?: Buffer
  nonceSuffix?: string
}

function attempt(options: Attempt) {
  const { gs2Header = 'n,,', mechanism = scramMechanism, channelBinding } = options
  const bare = 'n=,r=abc'
  const exchange = startScram(gs2Header + bare, { mechanism, verifier, channelBinding })
  const nonce = (/^r=([^,]+)/.exec(exchange.serverFirst)?.[1] ?? '') + (options.nonceSuffix ?? '')
  const bound = Buffer.concat([Buffer.from(gs2Header), options.binding ?? Buffer.alloc(0)])
  const withoutProof = `c=${bound.toString('base64')},r=${nonce}`
  const authMessage = `${bare},${exchange.serverFirst},${withoutProof}`
  const proof = clientProof(options.clientKey ?? keys.clientKey, authMessage)
  return exchange.finish(`${withoutProof},p=${proof.toString('base64')}`)
}

const plus = {
  gs2Header: 'p=tls-server-end-point,,',
  mechanism: scramPlusMechanism,
  channelBinding: certificate,
  binding: certificate,
}

test('recovers the keys with and without channel binding', () => {
  expect(attempt({})?.keys).toEqual(keys)
  expect(attempt({ channelBinding: certificate })?.keys).toEqual(keys)
  expect(attempt({ gs2Header: 'y,,' })?.keys).toEqual(keys)
  expect(attempt(plus)?.keys).toEqual(keys)
})

test('knows a wrong password', () => {
  expect(attempt({ clientKey: Buffer.alloc(32, 1) })).toBeUndefined()
  expect(attempt({ ...plus, clientKey: Buffer.alloc(32, 1) })).toBeUndefined()
})

test.each([
  [
    'a client that was not shown the offer',
    { gs2Header: 'y,,', channelBinding: certificate },
    '28000',
  ],
  ['another certificate', { ...plus, binding: Buffer.alloc(32, 8) }, '28000'],
  ['no certificate', { ...plus, binding: Buffer.alloc(0) }, '28000'],
  ['another type of binding', { ...plus, gs2Header: 'p=tls-unique,,' }, '08P01'],
  ['binding without PLUS', { ...plus, mechanism: scramMechanism }, '08P01'],
  ['PLUS without binding', { ...plus, gs2Header: 'n,,' }, '08P01'],
  ['an authorization identity', { gs2Header: 'n,a=root,' }, '0A000'],
  ['another nonce', { nonceSuffix: 'x' }, '08P01'],
])('refuses %s', (_, options, sqlstate) => {
  expect(() => attempt(options)).toThrow(expect.objectContaining({ sqlstate }))
})

test.each([
  '',
  'n,,',
  'n,,n=u',
  'n,,n=u,r=',
  'n,,m=x,n=u,r=abc',
  'n,,n=u,r=a\u00e9',
  'x,,n=u,r=abc',
])('refuses the first message %j', (clientFirst) => {
  const options = { mechanism: scramMechanism, verifier, channelBinding: undefined }
  expect(() => startScram(clientFirst, options)).toThrow('malformed SCRAM message')
})

test('takes any bytes for a wrong, malformed or unbound answer, never for a right one', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (clientFinal) => {
      const options = { mechanism: scramMechanism, verifier, channelBinding: undefined }
      const exchange = startScram('n,,n=,r=abc', options)
      expect(() => exchange.finish(clientFinal)).toThrow('malformed SCRAM message')
    }),
  )
})

test('is what the exchange with a compute goes through with', () => {
  const client = startBackendScram(keys)
  const options = { mechanism: scramMechanism, verifier, channelBinding: undefined }
  const exchange = startScram(client.clientFirst, options)
  const success = exchange.finish(client.continue(exchange.serverFirst))
  expect(client.isGenuine(success?.serverFinal ?? '')).toBe(true)
  expect(client.isGenuine('v=AAAA')).toBe(false)
  expect(() => client.continue('r=other,s=AAAA,i=4096')).toThrow('a nonce that is not ours')
})

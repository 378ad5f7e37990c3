import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { generateKeyPair, SignJWT } from 'jose'
import { describe, expect, onTestFinished, test } from 'vitest'

import type { Admission } from '../admission.ts'
import { ensureCertificates } from '../certificates.ts'
import type { ControlPlane } from '../control-plane.ts'
import { KeySets } from './jwks.ts'
import { TokenCheck } from './token-check.ts'

const url = 'https://issuer.example/jwks.json'
const header = { alg: 'RS256', kid: 'one' }

/** What comes of asking for a key where the issuer answers so. */
async function askOf(keySets: KeySets, of = url): Promise<unknown> {
  try {
    return await keySets.of(of)(header, { payload: '', signature: '' })
  } catch (error) {
    return error
  }
}

/** What a client is told whose token is to be checked by the keys at a URL. */
async function logInBy(jwksUrl: string): Promise<string> {
  const check = new TokenCheck({
    controlPlane: {
      findEndpoint: async () => ({}),
      jwksFor: async () => [{ jwksUrl, audience: undefined, roleNames: ['app'] }],
    } as unknown as ControlPlane,
    admission: { checkAddress: () => undefined } as unknown as Admission,
  })
  const { privateKey } = await generateKeyPair('ES256')
  const claims = new SignJWT({ sub: 'u' }).setProtectedHeader({ alg: 'ES256', kid: 'one' })
  const token = await claims.setExpirationTime('1h').sign(privateKey)
  const login = { endpointId: 'ep', pooled: false, user: 'app', database: 'neondb', token }
  const { signal } = new AbortController()
  return check.logIn({ ...login, clientAddress: '192.0.2.1' }, signal).then(
    () => 'logged in',
    (error: unknown) => (error as Error).message,
  )
}

describe('keys of an issuer', () => {
  test('are not looked for where a redirect leads', async () => {
    const asked: string[] = []
    const keySets = new KeySets(async (at) => {
      asked.push(at)
      return new Response('', { status: 302, headers: { location: 'https://10.0.0.1/' } })
    })
    expect(await askOf(keySets)).toMatchObject({ message: 'answered with status 302' })
    expect(asked).toEqual([url])
  })

  test('are fetched by https only', async () => {
    expect(await askOf(new KeySets(), 'http://169.254.169.254/latest/meta-data')).toMatchObject({
      message: 'keys are fetched by https only',
    })
  })

  test('are not asked for where the certificate is not verified, and how it failed is not told', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'jwks-'))
    onTestFinished(async () => rm(directory, { recursive: true }))
    const { certPath, keyPath } = await ensureCertificates({ directory, domain: 'localhost' })
    let asked = 0
    const service = createServer(
      { cert: await readFile(certPath), key: await readFile(keyPath) },
      (_request, response) => {
        asked += 1
        response.end('{"keys":[]}')
      },
    )
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
    const { port } = service.address() as AddressInfo
    const failures = [await logInBy(`https://127.0.0.1:${port}/`)]
    await new Promise((resolve) => service.close(resolve))
    // Nobody listens there any more.
    failures.push(await logInBy(`https://127.0.0.1:${port}/`))
    expect(asked).toBe(0)
    expect(failures).toEqual([
      'the keys of the token issuer cannot be fetched',
      'the keys of the token issuer cannot be fetched',
    ])
  })

  test('are bounded', async () => {
    const keySets = new KeySets(async () => new Response('x'.repeat(300 * 1024)))
    expect(await askOf(keySets)).toMatchObject({ message: 'more than 262144 bytes of keys' })
  })
})

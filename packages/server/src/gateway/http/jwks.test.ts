import { describe, expect, test } from 'vitest'

import { KeySets } from './jwks.ts'

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

  test('are bounded', async () => {
    const keySets = new KeySets(async () => new Response('x'.repeat(300 * 1024)))
    expect(await askOf(keySets)).toMatchObject({ message: 'more than 262144 bytes of keys' })
  })
})

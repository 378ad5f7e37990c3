/**
 * The public keys of token issuers, fetched when a token needs them. A key for one project may add an issuer,
 * and an identity provider may well be in a private network, so that no address is refused. What bounds it:
 * https with a certificate that is verified for the URL's name before anything is asked, no redirects, a
 * size, a time, one text for whatever fails, and nothing of an answer is shown (docs/decisions/0015-tokens.md).
 */
import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from 'jose'

/** Fetches a key set; Node's `fetch` unless a test has another. */
export type FetchKeySet = (url: string, signal: AbortSignal) => Promise<Response>

/** As Neon: fetched again after five minutes, for an unknown key after thirty seconds at the soonest. */
const maxAgeMs = 5 * 60_000
const cooldownMs = 30_000
/** While an issuer cannot be reached, its last keys do for so long. */
const maxStaleMs = 60 * 60_000
const fetchTimeoutMs = 5_000
const maxKeySetBytes = 256 * 1024
/** Issuers whose keys are kept. */
const maxKeySets = 1_000

export class KeySets {
  readonly #fetch: FetchKeySet
  readonly #known = new Map<string, JWTVerifyGetKey>()

  constructor(fetchKeySet: FetchKeySet = fetchByHttps) {
    this.#fetch = fetchKeySet
  }

  /** Of one issuer. Rejects, when it is asked for a key, with jose's errors. */
  of(url: string): JWTVerifyGetKey {
    const known = this.#known.get(url)
    if (known) return known
    const [oldest] = this.#known.keys()
    if (oldest !== undefined && this.#known.size >= maxKeySets) this.#known.delete(oldest)
    const made = createRemoteJWKSet(new URL(url), {
      cacheMaxAge: maxAgeMs,
      cooldownDuration: cooldownMs,
      timeoutDuration: fetchTimeoutMs,
      [customFetch]: keepingLast(this.#fetch),
    })
    this.#known.set(url, made)
    return made
  }
}

function keepingLast(
  fetchKeySet: FetchKeySet,
): (url: string, options: { signal: AbortSignal }) => Promise<Response> {
  let last: { text: string; atMs: number } | undefined
  return async (url, { signal }) => {
    try {
      const response = await fetchKeySet(url, signal)
      const text = await readBounded(response)
      if (response.status !== 200) throw new Error(`answered with status ${response.status}`)
      last = { text, atMs: performance.now() }
    } catch (error) {
      if (last === undefined || performance.now() - last.atMs > maxStaleMs) throw error
    }
    return new Response(last.text)
  }
}

async function fetchByHttps(url: string, signal: AbortSignal): Promise<Response> {
  if (new URL(url).protocol !== 'https:') throw new Error('keys are fetched by https only')
  const headers = { accept: 'application/json, application/jwk-set+json' }
  return fetch(url, { signal, redirect: 'manual', headers })
}

async function readBounded({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of body ?? []) {
    sizeBytes += chunk.length
    if (sizeBytes > maxKeySetBytes) throw new Error(`more than ${maxKeySetBytes} bytes of keys`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/**
 * JSON web tokens instead of passwords (`authToken` of the serverless driver): verified by the keys of
 * the issuers that the project has named, for the roles that they are for.
 */
import { createHmac, randomBytes } from 'node:crypto'

import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose'

import { scramKeyBytes } from '../../lib/scram.ts'
import { abortable } from '../abortable.ts'
import type { Admission } from '../admission.ts'
import type { ControlPlane, EndpointAccess, TokenIssuer } from '../control-plane.ts'
import { ClientError, sqlstates } from '../errors.ts'
import { type Login, requireAccess } from '../login.ts'
import { RequestError } from './failures.ts'
import { type FetchKeySet, KeySets } from './jwks.ts'

export interface TokenLogin {
  endpointId: string
  pooled: boolean
  user: string
  database: string
  token: string
  clientAddress: string
}

export interface TokenSession {
  login: Login
  /** What tells the database who the client is, and that it was not made up: for `setClaims`. */
  claims: string
}

interface TokenCheckContext {
  controlPlane: ControlPlane
  admission: Admission
  fetchKeySet?: FetchKeySet | undefined
}

/** Public keys only: with a shared secret whoever can check a token could make one. */
const algorithms = 'ES256 ES384 ES512 RS256 RS384 RS512 PS256 PS384 PS512'.split(' ')
/** As Neon allows clocks to differ. */
const skewSeconds = 30
/**
 * Gives a transaction its claims, which `auth.session()` reads (compute/token-sessions.ts). They are a
 * parameter: the text of a query is shown to other sessions of the role by pg_stat_activity.
 */
export const setClaims = "select pg_catalog.set_config('coppice.jwt', $1, true)"

const maxPrepared = 1_000
/** How soon a database that has been made anew is prepared anew. */
const maxPreparedMs = 60_000

interface Prepared {
  key: Promise<string>
  since: number
}

export class TokenCheck {
  readonly #context: TokenCheckContext
  readonly #keySets: KeySets
  readonly #prepared = new Map<string, Prepared>()

  constructor(context: TokenCheckContext) {
    this.#context = context
    this.#keySets = new KeySets(context.fetchKeySet)
  }

  /** Rejects with RequestError, alike for an endpoint, a role and an issuer that there are not. */
  async logIn(login: TokenLogin, signal: AbortSignal): Promise<TokenSession> {
    const { endpointId, user, token, clientAddress, pooled, database } = login
    const { admission, controlPlane } = this.#context
    admission.checkAddress(clientAddress)
    requireKeyId(token)
    const access = await abortable(controlPlane.findEndpoint(endpointId), signal)
    const issuers = access ? await abortable(controlPlane.jwksFor(endpointId), signal) : []
    const fitting = issuers.filter(({ roleNames }) => roleNames.includes(user))
    const claims = await abortable(this.#verify(token, fitting, user), signal)
    if (access === undefined) throw notAccepted(user)
    requireAccess(access, { clientAddress })
    const key = await abortable(this.#prepare(access, database, user), signal)
    return {
      // The compute lets the platform in as a role of tokens, and asks for no proof.
      login: { endpointId, pooled, keys: unusableKeys() },
      claims: seal(claims, key),
    }
  }

  /** The claims, by the first issuer that has signed them. */
  async #verify(token: string, issuers: readonly TokenIssuer[], user: string): Promise<JWTPayload> {
    let failure: Error = notAccepted(user)
    for (const { jwksUrl, audience } of issuers) {
      try {
        const { payload } = await jwtVerify(token, this.#keySets.of(jwksUrl), {
          algorithms,
          clockTolerance: skewSeconds,
          requiredClaims: ['exp'],
          ...(audience !== undefined && { audience }),
        })
        return payload
      } catch (error) {
        failure = explain(error, failure)
      }
    }
    throw failure
  }

  async #prepare(
    { endpointId, dataDirectory }: EndpointAccess,
    database: string,
    user: string,
  ): Promise<string> {
    const name = JSON.stringify([endpointId, dataDirectory, database, user])
    const known = this.#prepared.get(name)
    if (known && performance.now() - known.since < maxPreparedMs) return known.key
    const key = this.#context.controlPlane.prepareTokens(endpointId, database)
    this.#prepared.delete(name)
    const [oldest] = this.#prepared.keys()
    if (oldest !== undefined && this.#prepared.size >= maxPrepared) this.#prepared.delete(oldest)
    this.#prepared.set(name, { key, since: performance.now() })
    key.catch(() => this.#prepared.delete(name))
    return key
  }
}

function requireKeyId(token: string): void {
  try {
    if (decodeProtectedHeader(token).kid !== undefined) return
  } catch {
    // Not a token at all.
    throw new RequestError(
      400,
      'missing authentication credentials: required authorization bearer token in JWT format',
    )
  }
  throw new RequestError(400, 'the token has no key id (kid)')
}

/** What to say of a token that one issuer's keys do not verify: what is known of it, over what is not. */
function explain(error: unknown, before: Error): Error {
  if (error instanceof errors.JWTExpired) return new RequestError(400, 'the token has expired')
  if (error instanceof errors.JWTClaimValidationFailed) {
    return new RequestError(400, `the token's claim ${error.claim} does not fit`)
  }
  const isOfAnother =
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWTInvalid
  if (isOfAnother) return before
  return new ClientError(sqlstates.internal, 'the keys of the token issuer cannot be fetched', {
    cause: error,
  })
}

function notAccepted(user: string): RequestError {
  return new RequestError(400, `the token is not accepted for role '${user}'`)
}

function unusableKeys(): Login['keys'] {
  return { clientKey: randomBytes(scramKeyBytes), serverKey: randomBytes(scramKeyBytes) }
}

function seal(claims: JWTPayload, hexKey: string): string {
  const payload = Buffer.from(JSON.stringify(claims)).toString('base64')
  const mac = createHmac('sha256', Buffer.from(hexKey, 'hex')).update(payload).digest('hex')
  return `${mac}.${payload}`
}

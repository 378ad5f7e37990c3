/**
 * The server's side of one SCRAM-SHA-256 exchange (RFC 5802 sections 5 to 7; channel binding by
 * `tls-server-end-point`, RFC 5929 section 4.1). Messages in, messages out; sockets, lookups and
 * what a failure means are the caller's.
 */
import { randomBytes } from 'node:crypto'

import {
  clientKeyOfProof,
  type ScramKeys,
  type ScramVerifier,
  serverSignature,
} from '../../lib/scram.ts'
import { ClientError, protocolViolation, sqlstates } from '../errors.ts'

export const scramMechanism = 'SCRAM-SHA-256'
export const scramPlusMechanism = 'SCRAM-SHA-256-PLUS'

export interface ScramOptions {
  /** The mechanism that the client has chosen. */
  mechanism: string
  verifier: ScramVerifier
  /** Hash of our certificate, where the connection has TLS and the certificate such a hash. */
  channelBinding: Buffer | undefined
  /** For the examples of the RFCs; random otherwise. */
  serverNonce?: string
}

export interface ScramExchange {
  serverFirst: string
  /** Checks client-final-message. Undefined where the proof is wrong. */
  finish(clientFinal: string): ScramSuccess | undefined
}

export interface ScramSuccess {
  serverFinal: string
  keys: ScramKeys
}

const nonceBytes = 18
const bindingType = 'tls-server-end-point'

/** Answers a client-first-message. Throws ClientError for a malformed or downgraded one. */
export function startScram(clientFirst: string, options: ScramOptions): ScramExchange {
  const { verifier } = options
  const { gs2Header, bare, clientNonce } = parseClientFirst(clientFirst)
  checkBindingFlag(gs2Header, options)
  const nonce = clientNonce + (options.serverNonce ?? randomBytes(nonceBytes).toString('base64'))
  const salt = verifier.salt.toString('base64')
  const serverFirst = `r=${nonce},s=${salt},i=${verifier.iterations}`
  return {
    serverFirst,
    finish: (clientFinal) => {
      const final = parseClientFinal(clientFinal)
      checkBinding(final.binding, gs2Header, options.channelBinding)
      if (final.nonce !== nonce) throw malformed()
      const authMessage = `${bare},${serverFirst},${final.withoutProof}`
      const clientKey = clientKeyOfProof(final.proof, verifier, authMessage)
      if (clientKey === undefined) return undefined
      const signature = serverSignature(verifier.serverKey, authMessage).toString('base64')
      return { serverFinal: `v=${signature}`, keys: { clientKey, serverKey: verifier.serverKey } }
    },
  }
}

interface ClientFirst {
  /** `n,,`, `y,,` or `p=tls-server-end-point,,`. */
  gs2Header: string
  bare: string
  clientNonce: string
}

/** Printable ASCII without the comma (RFC 5802 section 7, `printable`). */
const noncePattern = '[\\x21-\\x2b\\x2d-\\x7e]+'
const clientFirstPattern = new RegExp(
  // The user name is the startup packet's; clients of PostgreSQL send any or none here. `m=`, a
  // mandatory extension, matches nothing, as section 5.1 wants.
  `^((?:n|y|p=[A-Za-z0-9.-]+),(a=[^,]*)?,)(n=[^,]*,r=(${noncePattern})(?:,[A-Za-z]=[^,]+)*)$`,
)

function parseClientFirst(text: string): ClientFirst {
  const [, gs2Header, authorizationIdentity, bare, clientNonce] =
    clientFirstPattern.exec(text) ?? []
  if (!gs2Header || !bare || !clientNonce) throw malformed()
  if (authorizationIdentity !== undefined) {
    throw new ClientError(
      sqlstates.notSupported,
      'a SCRAM authorization identity is not supported: log in as the role itself',
    )
  }
  return { gs2Header, bare, clientNonce }
}

function checkBindingFlag(gs2Header: string, options: ScramOptions): void {
  const hasBinding = gs2Header.startsWith('p=')
  if (hasBinding !== (options.mechanism === scramPlusMechanism)) throw malformed()
  if (hasBinding && gs2Header !== `p=${bindingType},,`) {
    throw protocolViolation(`unsupported SCRAM channel binding type: use ${bindingType}`)
  }
  // "y" says that the client would have bound but was not offered it. It was: somebody between us
  // has removed the offer (RFC 5802 section 6).
  if (gs2Header.startsWith('y') && options.channelBinding !== undefined) {
    throw new ClientError(
      sqlstates.invalidAuthorization,
      'SCRAM channel binding was offered but did not reach the client: the connection may be intercepted',
    )
  }
}

function checkBinding(binding: Buffer, gs2Header: string, certificateHash?: Buffer): void {
  const expected: Buffer[] = [Buffer.from(gs2Header)]
  if (gs2Header.startsWith('p=') && certificateHash !== undefined) expected.push(certificateHash)
  if (!binding.equals(Buffer.concat(expected))) {
    throw new ClientError(sqlstates.invalidAuthorization, 'SCRAM channel binding check failed')
  }
}

interface ClientFinal {
  binding: Buffer
  nonce: string
  proof: Buffer
  withoutProof: string
}

const clientFinalPattern = new RegExp(
  `^(c=([A-Za-z0-9+/]+={0,2}),r=(${noncePattern})(?:,[A-Za-z]=[^,]+)*),p=([A-Za-z0-9+/]+={0,2})$`,
)

function parseClientFinal(text: string): ClientFinal {
  const [, withoutProof, binding, nonce, proof] = clientFinalPattern.exec(text) ?? []
  if (!withoutProof || !binding || !nonce || !proof) throw malformed()
  return {
    binding: Buffer.from(binding, 'base64'),
    nonce,
    proof: Buffer.from(proof, 'base64'),
    withoutProof,
  }
}

function malformed(): ClientError {
  return protocolViolation('malformed SCRAM message')
}

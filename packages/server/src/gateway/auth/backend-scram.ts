/**
 * The client's side of one SCRAM-SHA-256 exchange, with a ClientKey in place of a password: the
 * login at a compute that holds the same verifier as the one the client was checked against.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto'

import { clientProof, type ScramKeys, serverSignature } from '../../lib/scram.ts'

export interface BackendScram {
  clientFirst: string
  /** Answers server-first-message. Throws where it does not belong to this exchange. */
  continue(serverFirst: string): string
  /** Whether server-final-message shows that the server holds the verifier. */
  isGenuine(serverFinal: string): boolean
}

const nonceBytes = 18
/** `n,,`: a Unix socket has no TLS to bind to. */
const gs2Header = 'n,,'

export function startBackendScram(keys: ScramKeys): BackendScram {
  const nonce = randomBytes(nonceBytes).toString('base64')
  // The server takes the user of the startup packet.
  const bare = `n=,r=${nonce}`
  let authMessage = ''
  return {
    clientFirst: gs2Header + bare,
    continue: (serverFirst) => {
      const [, fullNonce] = /^r=([^,]+),s=[^,]+,i=\d+/.exec(serverFirst) ?? []
      if (fullNonce === undefined || !fullNonce.startsWith(nonce)) {
        throw new Error('the compute answered SCRAM with a nonce that is not ours')
      }
      const withoutProof = `c=${Buffer.from(gs2Header).toString('base64')},r=${fullNonce}`
      authMessage = `${bare},${serverFirst},${withoutProof}`
      return `${withoutProof},p=${clientProof(keys.clientKey, authMessage).toString('base64')}`
    },
    isGenuine: (serverFinal) => {
      const [, signature = ''] = /^v=([^,]+)/.exec(serverFinal) ?? []
      const given = Buffer.from(signature, 'base64')
      const expected = serverSignature(keys.serverKey, authMessage)
      return given.length === expected.length && timingSafeEqual(given, expected)
    },
  }
}

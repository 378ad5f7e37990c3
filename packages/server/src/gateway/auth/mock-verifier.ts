import { createHash, createHmac, randomBytes } from 'node:crypto'

import { scramKeyBytes, type ScramVerifier } from '../../lib/scram.ts'

/**
 * The verifier that nobody has the password of, used where there is no role or endpoint: such a
 * login goes through the same exchange as one with a wrong password. The salt depends on the names
 * alone, for a salt that changed between two attempts would give the secret away.
 */
export type MockVerifiers = (endpointId: string, role: string) => ScramVerifier

/** PostgreSQL's defaults, so that nothing in the exchange stands out. */
const iterations = 4096
const saltBytes = 16

/** `secret` is anything stable that clients do not know. */
export function createMockVerifiers(secret: string): MockVerifiers {
  const key = createHash('sha256').update('coppice mock verifiers').update(secret).digest()
  return (endpointId, role) => ({
    iterations,
    salt: createHmac('sha256', key)
      .update(`${endpointId}\0${role}`)
      .digest()
      .subarray(0, saltBytes),
    // New every time: no password belongs to it, and no one sees it.
    storedKey: randomBytes(scramKeyBytes),
    serverKey: randomBytes(scramKeyBytes),
  })
}

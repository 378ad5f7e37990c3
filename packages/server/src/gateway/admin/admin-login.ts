/** The login of the platform's administrator at the console: an API key, as a password inside TLS. */
import type { Duplex } from 'node:stream'

import { abortable, pause } from '../abortable.ts'
import type { Admission } from '../admission.ts'
import type { ControlPlane } from '../control-plane.ts'
import { ClientError, passwordFailure, protocolViolation, sqlstates } from '../errors.ts'
import { authenticationCleartextPassword } from '../wire/messages.ts'
import { readMessage } from '../wire/reader.ts'
import { consoleDatabase } from './visitor.ts'

export interface AdminLoginContext {
  controlPlane: Pick<ControlPlane, 'isAdminKey'>
  admission: Admission
}

export interface AdminLoginRequest {
  user: string
  clientAddress: string
}

/** Ours, and the one that scripts for PgBouncer use. */
const adminUsers = new Set(['coppice', 'pgbouncer'])
/** API keys are shorter. */
const maxMessageBytes = 1024
/** As for the roles of endpoints: slow, and always the same. */
const failureDelayMs = 200

/**
 * Whether a client is to be asked for an API key: it wants the console, by an administrator's name, and
 * names no endpoint. A role of that name names its endpoint otherwise than in the password.
 */
export function wantsAdminLogin(request: {
  user: string
  database: string
  endpointId: string | undefined
}): boolean {
  const { user, database, endpointId } = request
  return endpointId === undefined && database === consoleDatabase && adminUsers.has(user)
}

/**
 * Resolves once the client has sent an API key of the platform. Rejects with ClientError: a key that is
 * revoked, or was never one, fails as a wrong password does.
 */
export async function logInAdministrator(
  stream: Duplex,
  { user, clientAddress }: AdminLoginRequest,
  { controlPlane, admission }: AdminLoginContext,
  signal: AbortSignal,
): Promise<void> {
  admission.checkAddress(clientAddress)
  stream.write(authenticationCleartextPassword())
  const { type, body } = await readMessage(stream, maxMessageBytes, signal)
  if (type !== 'p') throw protocolViolation('expected an answer to authentication')
  if (body.at(-1) !== 0) throw protocolViolation('malformed password message')
  const key = body.toString('utf8', 0, body.length - 1)
  if (await isValid(key, controlPlane, signal)) return
  admission.recordFailure(clientAddress)
  await pause(failureDelayMs, signal)
  throw passwordFailure(user)
}

async function isValid(
  key: string,
  controlPlane: AdminLoginContext['controlPlane'],
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return await abortable(controlPlane.isAdminKey(key), signal)
  } catch (error) {
    signal.throwIfAborted()
    throw new ClientError(sqlstates.internal, 'Control plane request failed', { cause: error })
  }
}

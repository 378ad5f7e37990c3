/** Checks a client's password by SCRAM, or by the password form where it has named no endpoint. */
import type { Socket } from 'node:net'

import { AppError } from '../lib/errors.ts'
import {
  isAffordable,
  keysOfPassword,
  maxOwnIterations,
  parseVerifier,
  type ScramKeys,
  type ScramVerifier,
} from '../lib/scram.ts'
import { abortable, pause } from './abortable.ts'
import type { Admission } from './admission.ts'
import type { MockVerifiers } from './auth/mock-verifier.ts'
import { scramMechanism, scramPlusMechanism, startScram } from './auth/scram-server.ts'
import type { ControlPlane, EndpointAccess } from './control-plane.ts'
import {
  ClientError,
  passwordFailure,
  protocolViolation,
  quotaExceeded,
  sqlstates,
} from './errors.ts'
import { requireAllowed } from './ip-allow.ts'
import { replicationIsOff } from './replication.ts'
import { parsePasswordForm, type Route } from './route.ts'
import {
  authenticationCleartextPassword,
  authenticationSASL,
  authenticationSASLContinue,
  authenticationSASLFinal,
} from './wire/messages.ts'
import { readMessage } from './wire/reader.ts'

export interface LoginContext {
  controlPlane: ControlPlane
  admission: Admission
  mockVerifiers: MockVerifiers
}

export interface LoginRequest {
  route: Route
  user: string
  clientAddress: string
  channelBinding: Buffer | undefined
  /** Whether the client wants a connection for logical replication. */
  replication?: boolean
}

export interface Login {
  endpointId: string
  pooled: boolean
  /** Good for a login at the compute. */
  keys: ScramKeys
}

/** PostgreSQL's limit of a SASL message (PG_MAX_SASL_MESSAGE_LENGTH). */
const maxMessageBytes = 1024
/** Neon's limit of a password. */
export const maxPasswordBytes = 512
/** Slows down guessing over one connection after another; always the same, to tell nothing. */
export const failureDelayMs = 200

/**
 * Resolves once the client has proved its password. Anything that does not exist fails as a wrong
 * password does, after the same messages. Rejects with ClientError.
 */
export async function logIn(
  stream: Socket,
  request: LoginRequest,
  context: LoginContext,
  signal: AbortSignal,
): Promise<Login> {
  const { route, user, clientAddress } = request
  context.admission.checkAddress(clientAddress)
  const login =
    route.endpointId === undefined
      ? await logInByPassword(stream, request, context, signal)
      : await logInByScram(stream, { ...request, endpointId: route.endpointId }, context, signal)
  if (login !== undefined) return login
  await pause(failureDelayMs, signal)
  throw passwordFailure(user)
}

/** Undefined for a wrong password, which has been counted; so does the other. */
async function logInByScram(
  stream: Socket,
  request: LoginRequest & { endpointId: string },
  context: LoginContext,
  signal: AbortSignal,
): Promise<Login | undefined> {
  const { endpointId, user, channelBinding, route } = request
  const { verifier, access } = await abortable(lookUp(endpointId, user, context), signal)
  const mechanisms =
    channelBinding === undefined ? [scramMechanism] : [scramPlusMechanism, scramMechanism]
  stream.write(authenticationSASL(mechanisms))
  const { mechanism, data } = parseInitialResponse(await readResponse(stream, signal))
  if (!mechanisms.includes(mechanism)) throw protocolViolation('unknown SASL mechanism')
  const exchange = startScram(data, { mechanism, verifier, channelBinding })
  stream.write(authenticationSASLContinue(exchange.serverFirst))
  const success = exchange.finish((await readResponse(stream, signal)).toString())
  if (success === undefined || access === undefined) {
    context.admission.recordFailure(request.clientAddress)
    return undefined
  }
  requireAccess(access, request)
  stream.write(authenticationSASLFinal(success.serverFinal))
  return { endpointId, pooled: route.pooled, keys: success.keys }
}

/** The password travels inside TLS; it is checked here and goes no further. */
async function logInByPassword(
  stream: Socket,
  request: LoginRequest,
  context: LoginContext,
  signal: AbortSignal,
): Promise<Login | undefined> {
  stream.write(authenticationCleartextPassword())
  const body = await readResponse(stream, signal)
  if (body.at(-1) !== 0) throw protocolViolation('malformed password message')
  const { route, password } = parsePasswordForm(body.toString('utf8', 0, body.length - 1))
  const { endpointId, pooled } = route
  const { admission } = context
  const { user, clientAddress } = request
  if (endpointId === undefined || Buffer.byteLength(password) > maxPasswordBytes) {
    admission.recordFailure(clientAddress)
    return undefined
  }
  const { verifier, access } = await abortable(lookUp(endpointId, user, context), signal)
  requireAffordable(verifier, user)
  const guess = admission.guess(endpointId, clientAddress, async () => {
    signal.throwIfAborted()
    return keysOfPassword(password, verifier)
  })
  const keys = await abortable(guess, signal)
  if (keys === undefined || access === undefined) return undefined
  requireAccess(access, request)
  return { endpointId, pooled, keys }
}

/** What to check the client against: a verifier without a password where it names nothing we have. */
export async function lookUp(
  endpointId: string,
  user: string,
  { controlPlane, mockVerifiers }: LoginContext,
): Promise<{ verifier: ScramVerifier; access: EndpointAccess | undefined }> {
  try {
    const access = await controlPlane.findEndpoint(endpointId)
    const text = access && (await controlPlane.findVerifier(endpointId, user))
    const verifier = text === undefined ? undefined : parseVerifier(text)
    return { verifier: verifier ?? mockVerifiers(endpointId, user), access }
  } catch (error) {
    if (error instanceof AppError) throw error
    throw new ClientError(sqlstates.internal, 'Control plane request failed', { cause: error })
  }
}

/** SCRAM tells everybody how many iterations a role's password takes, so this may. */
export function requireAffordable(verifier: ScramVerifier, user: string): void {
  if (isAffordable(verifier)) return
  throw new ClientError(
    sqlstates.limitExceeded,
    `the password of role '${user}' takes ${verifier.iterations} iterations to check, and here at most ` +
      `${maxOwnIterations} are made: set it anew with fewer (scram_iterations), or log in by SCRAM, over a ` +
      'connection that names its endpoint by its host',
  )
}

/** Whether the endpoint takes this client; told only to those who have proved their password. */
export function requireAccess(
  access: EndpointAccess,
  request: Pick<LoginRequest, 'clientAddress' | 'replication'>,
): void {
  requireAllowed(request.clientAddress, access)
  if (access.disabled) {
    throw new AppError('endpoint_disabled', 'Control plane request failed: endpoint is disabled')
  }
  if (access.blockedBecause !== '') throw quotaExceeded(access.blockedBecause)
  if (request.replication === true && !access.logicalReplication) throw replicationIsOff()
}

async function readResponse(stream: Socket, signal: AbortSignal): Promise<Buffer> {
  const { type, body } = await readMessage(stream, maxMessageBytes, signal)
  if (type !== 'p') {
    throw protocolViolation('expected an answer to authentication')
  }
  return body
}

/** SASLInitialResponse: the mechanism, the length of the data, the data. */
function parseInitialResponse(body: Buffer): { mechanism: string; data: string } {
  const end = body.indexOf(0)
  const dataAt = end + 1 + 4
  if (end === -1 || body.length < dataAt || body.readInt32BE(end + 1) !== body.length - dataAt) {
    throw protocolViolation('malformed SASL response')
  }
  return { mechanism: body.toString('utf8', 0, end), data: body.toString('utf8', dataAt) }
}

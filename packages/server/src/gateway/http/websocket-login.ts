/**
 * The opening of a session over a WebSocket. It is inside TLS already, and the password is asked for
 * in clear: the serverless driver sends start-up, password and first query at once, and SCRAM would
 * take its password for something else.
 */
import type { Duplex } from 'node:stream'

import type { AuthenticatedClient } from '../authenticated-session.ts'
import { protocolViolation } from '../errors.ts'
import type { Login } from '../login.ts'
import { parsePasswordForm } from '../route.ts'
import { readStartup, type Startup } from '../startup-parameters.ts'
import {
  authenticationCleartextPassword,
  type CancelKey,
  negotiateProtocolVersion,
} from '../wire/messages.ts'
import { readBytes, readMessage } from '../wire/reader.ts'
import { type OpeningPacket, parseOpeningPacket, parsePacketLength } from '../wire/startup.ts'
import { type RequestedHost, resolveHost } from './connection-string.ts'
import type { PasswordCheck } from './password-check.ts'

export interface WebSocketClient extends RequestedHost {
  stream: Duplex
  /** Host of `?address=host:port`, which the driver adds to a `wsProxy` that is a text; or empty. */
  addressHost: string
  clientAddress: string
  clientPort: number
}

export interface WebSocketLoginContext {
  passwords: PasswordCheck
  domain: string
}

export type WebSocketOpening =
  | { kind: 'client'; client: AuthenticatedClient }
  /** No key where its form shows that it is none of ours. */
  | { kind: 'cancel_request'; key: CancelKey | undefined }

/** PostgreSQL's limit of a password message (PG_MAX_AUTH_TOKEN_LENGTH) is 65535; Neon's of a password 512. */
const maxPasswordMessageBytes = 1024

/** What the client has come for. Rejects with ClientError, AppError, Disconnected and the signal's reason. */
export async function openWebSocketSession(
  client: WebSocketClient,
  context: WebSocketLoginContext,
  signal: AbortSignal,
): Promise<WebSocketOpening> {
  const { stream } = client
  const packet = await readOpening(stream, signal)
  if (packet.kind === 'cancel_request') return packet
  const startup = readStartup(packet)
  if (startup.unrecognised !== undefined) {
    stream.write(negotiateProtocolVersion(startup.unrecognised))
  }
  const login = await logIn(client, startup, context, signal)
  const { clientAddress, clientPort } = client
  const { pooled } = login
  return {
    kind: 'client',
    client: { stream, startup, login, clientAddress, clientPort, pooled },
  }
}

/** Asked for encryption, says no: there is one around the WebSocket. */
async function readOpening(
  stream: Duplex,
  signal: AbortSignal,
): Promise<Extract<OpeningPacket, { kind: 'startup' | 'cancel_request' }>> {
  for (let refusals = 0; refusals <= 2; refusals++) {
    const packet = await readPacket(stream, signal)
    if (packet.kind === 'startup' || packet.kind === 'cancel_request') return packet
    stream.write('N')
  }
  throw protocolViolation('encryption was asked for twice')
}

async function readPacket(stream: Duplex, signal: AbortSignal): Promise<OpeningPacket> {
  const length = parsePacketLength(await readBytes(stream, 4, signal))
  return parseOpeningPacket(await readBytes(stream, length, signal))
}

async function logIn(
  client: WebSocketClient,
  startup: Startup,
  { passwords, domain }: WebSocketLoginContext,
  signal: AbortSignal,
): Promise<Login> {
  const { stream, clientAddress } = client
  const named = resolveHost(client.addressHost, startup.options, client, domain)
  stream.write(authenticationCleartextPassword())
  const text = await readPassword(stream, signal)
  // Where nothing has named an endpoint, the password may, in its form.
  const { route, password } = named ? { route: named, password: text } : parsePasswordForm(text)
  const { endpointId = '', pooled } = route
  const { user, replication } = startup
  return passwords.logIn({ endpointId, pooled, user, password, clientAddress, replication }, signal)
}

async function readPassword(stream: Duplex, signal: AbortSignal): Promise<string> {
  const { type, body } = await readMessage(stream, maxPasswordMessageBytes, signal)
  if (type !== 'p') throw protocolViolation('expected a password message')
  if (body.at(-1) !== 0) throw protocolViolation('malformed password message')
  return body.toString('utf8', 0, body.length - 1)
}

/**
 * What processes of one gateway send each other over their private sockets: one request per
 * connection, as a length and JSON. The sockets lie in a directory of mode 0700, since a session is
 * handed on with what logs it in.
 */
import type { Duplex, Readable } from 'node:stream'

import type { AuthenticatedClient } from '../authenticated-session.ts'
import { protocolViolation } from '../errors.ts'
import type { CancelKey } from '../wire/messages.ts'
import { readBytes } from '../wire/reader.ts'
import type { Question } from './protocol.ts'
import type { PortableError } from './rpc.ts'

export type SiblingRequest =
  /** Answered by one byte, `accepted`, after which the session's own bytes follow. */
  | { kind: 'session'; client: HandedClient }
  /** Not answered. */
  | { kind: 'cancel'; key: CancelKey }
  /** Answered by a `SiblingAnswer`. */
  | { kind: 'ask'; question: Question }

export type SiblingAnswer = { value?: unknown } | { error: PortableError }

/** An authenticated client without its stream. Keys are in base64. */
export interface HandedClient {
  user: string
  database: string
  applicationName: string
  options: string | undefined
  forwarded: [name: string, value: string][]
  endpointId: string
  clientKey: string
  serverKey: string
  clientAddress: string
  clientPort: number
  quiet: boolean
  via?: 'http'
}

export const accepted = Buffer.from('A')

const lengthBytes = 4

export function frame(message: SiblingRequest | SiblingAnswer): Buffer {
  const body = Buffer.from(JSON.stringify(message))
  const length = Buffer.allocUnsafe(lengthBytes)
  length.writeUInt32BE(body.length)
  return Buffer.concat([length, body])
}

/** Rejects with Disconnected, a protocol violation or the signal's reason. */
export async function readFrame(
  stream: Readable,
  maxBytes: number,
  signal: AbortSignal,
): Promise<unknown> {
  const bodyBytes = (await readBytes(stream, lengthBytes, signal)).readUInt32BE(0)
  if (bodyBytes > maxBytes)
    throw protocolViolation('a message between gateway processes is too long')
  return JSON.parse((await readBytes(stream, bodyBytes, signal)).toString())
}

export function packClient(client: Omit<AuthenticatedClient, 'stream'>): HandedClient {
  const { startup, login, clientAddress, clientPort, via } = client
  return {
    user: startup.user,
    database: startup.database,
    applicationName: startup.applicationName,
    options: startup.options,
    forwarded: [...startup.forwarded],
    endpointId: login.endpointId,
    clientKey: login.keys.clientKey.toString('base64'),
    serverKey: login.keys.serverKey.toString('base64'),
    clientAddress,
    clientPort,
    quiet: startup.quiet,
    ...(via && { via }),
  }
}

/** Only clients of pools are handed on, and none of them replicates. */
export function unpackClient(handed: HandedClient, stream: Duplex): AuthenticatedClient {
  const { user, database, applicationName, options, quiet, clientAddress, clientPort, via } = handed
  return {
    stream,
    startup: {
      user,
      database,
      applicationName,
      options,
      replication: false,
      quiet,
      forwarded: new Map(handed.forwarded),
      unrecognised: undefined,
    },
    login: {
      endpointId: handed.endpointId,
      pooled: true,
      keys: {
        clientKey: Buffer.from(handed.clientKey, 'base64'),
        serverKey: Buffer.from(handed.serverKey, 'base64'),
      },
    },
    clientAddress,
    clientPort,
    pooled: true,
    ...(via && { via }),
  }
}

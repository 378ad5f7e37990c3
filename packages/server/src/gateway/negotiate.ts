/** The opening of a connection: encryption first, then the packet that says what it is for. */
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

import { certificateHash } from './auth/channel-binding.ts'
import { ClientError, protocolViolation, sqlstates } from './errors.ts'
import { postgresqlProtocol, type TlsTerminator } from './tls.ts'
import { type CancelKey } from './wire/messages.ts'
import { readBytes } from './wire/reader.ts'
import {
  type OpeningPacket,
  parseOpeningPacket,
  parsePacketLength,
  type StartupMessage,
} from './wire/startup.ts'

export interface CancelOpening {
  kind: 'cancel_request'
  key: CancelKey | undefined
}

export interface SecureOpening {
  kind: 'secure'
  stream: TLSSocket
}

/** What TLS tells about a connection. */
export interface TlsIdentity {
  serverName: string | undefined
  channelBinding: Buffer | undefined
}

/** First byte of a TLS handshake record (RFC 8446 section 5.1); as a packet length it would be over any limit. */
const tlsHandshakeByte = 0x16

/**
 * Brings a new connection to TLS, unless all it wants is to cancel something, which takes none.
 * Rejects with ClientError, and with Disconnected where TLS fails.
 */
export async function secure(
  socket: Socket,
  tls: TlsTerminator,
  signal: AbortSignal,
): Promise<SecureOpening | CancelOpening> {
  const first = await readFirstBytes(socket, signal)
  if (first[0] === tlsHandshakeByte) {
    socket.unshift(first)
    return { kind: 'secure', stream: requireProtocol(await tls.upgrade(socket, signal)) }
  }
  let packet = await readPacket(socket, first, signal)
  if (packet.kind === 'gssenc_request') {
    answerRequest(socket, 'N')
    packet = await readPacket(socket, await readFirstBytes(socket, signal), signal)
  }
  switch (packet.kind) {
    case 'ssl_request':
      answerRequest(socket, 'S')
      return { kind: 'secure', stream: await tls.upgrade(socket, signal) }
    case 'cancel_request':
      return packet
    case 'gssenc_request':
      throw protocolViolation('encryption was asked for twice')
    case 'startup':
      throw new ClientError(
        sqlstates.internal,
        'connection is insecure (try using `sslmode=require`)',
      )
  }
}

/** What a connection is for, asked inside TLS. Rejects with ClientError. */
export async function readOpening(
  stream: TLSSocket,
  signal: AbortSignal,
): Promise<StartupMessage | CancelOpening> {
  const packet = await readPacket(stream, await readFirstBytes(stream, signal), signal)
  if (packet.kind === 'startup' || packet.kind === 'cancel_request') return packet
  throw protocolViolation('encryption was asked for twice')
}

async function readFirstBytes(stream: Socket, signal: AbortSignal): Promise<Buffer> {
  return readBytes(stream, 4, signal)
}

async function readPacket(
  stream: Socket,
  first: Buffer,
  signal: AbortSignal,
): Promise<OpeningPacket> {
  return parseOpeningPacket(await readBytes(stream, parsePacketLength(first), signal))
}

/**
 * Whatever came along with a request for encryption came unencrypted, from whoever could write into
 * the connection. Taken for the session's beginning it would let them speak as the client
 * (CVE-2021-23214, CVE-2021-23222).
 */
function answerRequest(socket: Socket, answer: 'S' | 'N'): void {
  if (socket.readableLength > 0) {
    throw protocolViolation('received unencrypted data after a request for encryption')
  }
  socket.write(answer)
}

/** Without ALPN, another protocol's client could be brought to speak to us (the ALPACA attack). */
function requireProtocol(stream: TLSSocket): TLSSocket {
  if (stream.alpnProtocol === postgresqlProtocol) return stream
  stream.destroy()
  throw protocolViolation('direct TLS needs the ALPN protocol postgresql')
}

/** What the handshake has told. */
export function identify(stream: TLSSocket): TlsIdentity {
  // False where the client has sent no name; the types know nothing of it.
  const serverName: unknown = Reflect.get(stream, 'servername')
  const certificate = stream.getX509Certificate()
  return {
    serverName: typeof serverName === 'string' && serverName !== '' ? serverName : undefined,
    channelBinding: certificate && certificateHash(certificate.raw),
  }
}

/** The untyped packets that open a connection (PostgreSQL manual, "Start-up" and "SSL Session Encryption"). */
import { protocolViolation } from '../errors.ts'
import { type CancelKey, requestCodes } from './messages.ts'

export interface StartupMessage {
  kind: 'startup'
  majorVersion: number
  minorVersion: number
  /** Parameters in the client's order, `_pq_.` protocol options included. */
  parameters: Map<string, string>
}

export type OpeningPacket =
  | { kind: 'ssl_request' }
  | { kind: 'gssenc_request' }
  /** No key where its form shows that it is none of ours. */
  | { kind: 'cancel_request'; key: CancelKey | undefined }
  | StartupMessage

/** PostgreSQL's own limit (MAX_STARTUP_PACKET_LENGTH). */
export const maxStartupPacketBytes = 10_000
const lengthBytes = 4
const codeBytes = 4
/** Process id and secret of protocol 3.0; later versions allow longer secrets, which we never issue. */
const cancelKeyBytes = 8

/** Bytes after the length field. Throws a protocol violation where it cannot be a first packet's. */
export function parsePacketLength(length: Buffer): number {
  const packetBytes = length.readUInt32BE(0)
  if (packetBytes < lengthBytes + codeBytes || packetBytes > maxStartupPacketBytes) {
    throw protocolViolation('invalid length of startup packet')
  }
  return packetBytes - lengthBytes
}

/** Parses what follows the length field. */
export function parseOpeningPacket(packet: Buffer): OpeningPacket {
  const code = packet.readUInt32BE(0)
  const rest = packet.subarray(codeBytes)
  switch (code) {
    case requestCodes.ssl:
      return { kind: 'ssl_request' }
    case requestCodes.gssenc:
      return { kind: 'gssenc_request' }
    case requestCodes.cancel:
      return { kind: 'cancel_request', key: parseCancelKey(rest) }
    default:
      return {
        kind: 'startup',
        majorVersion: code >>> 16,
        minorVersion: code & 0xffff,
        // Another major version may lay out its parameters in another way.
        parameters: code >>> 16 === 3 ? parseParameters(rest) : new Map<string, string>(),
      }
  }
}

function parseCancelKey(bytes: Buffer): CancelKey | undefined {
  if (bytes.length !== cancelKeyBytes) return undefined
  return { processId: bytes.readUInt32BE(0), secretKey: bytes.readUInt32BE(4) }
}

/** Names and values, each ended by a zero byte, and a zero byte after the last. */
function parseParameters(bytes: Buffer): Map<string, string> {
  const words = bytes.subarray(0, -1).toString('utf8').split('\0')
  // Every value ends with a zero byte, so that an empty word follows the last.
  if (bytes.at(-1) !== 0 || words.length % 2 === 0 || words.at(-1) !== '') {
    throw protocolViolation('invalid layout of startup packet')
  }
  const parameters = new Map<string, string>()
  for (let at = 0; at + 1 < words.length; at += 2) {
    const name = words[at]
    if (!name) throw protocolViolation('invalid layout of startup packet')
    parameters.set(name, words[at + 1] ?? '')
  }
  return parameters
}

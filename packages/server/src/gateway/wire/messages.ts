/**
 * Messages under their names in the PostgreSQL manual, "Message Formats". Bytes only: when they are
 * sent is decided elsewhere.
 */

/** A typed message: type byte, length of the rest with itself, body. */
export function message(type: string, body: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(headerBytes + body.length)
  bytes.write(type, 0, 1, 'latin1')
  bytes.writeUInt32BE(body.length + 4, 1)
  body.copy(bytes, headerBytes)
  return bytes
}

export const headerBytes = 5

/** Request codes that stand in place of a protocol version in an untyped first packet. */
export const requestCodes = { cancel: 80877102, ssl: 80877103, gssenc: 80877104 } as const

/** 3.0, the version that the gateway speaks on both sides. */
export const protocolVersion = 3 << 16

/** The sub-types of an Authentication message ('R'). */
export const authenticationTypes = {
  ok: 0,
  cleartext: 3,
  sasl: 10,
  saslContinue: 11,
  saslFinal: 12,
}

function authentication(type: number, data: Buffer = Buffer.alloc(0)): Buffer {
  return message('R', Buffer.concat([uint32(type), data]))
}

export function authenticationOk(): Buffer {
  return authentication(authenticationTypes.ok)
}

export function authenticationCleartextPassword(): Buffer {
  return authentication(authenticationTypes.cleartext)
}

export function authenticationSASL(mechanisms: readonly string[]): Buffer {
  return authentication(authenticationTypes.sasl, strings([...mechanisms, '']))
}

export function authenticationSASLContinue(data: string): Buffer {
  return authentication(authenticationTypes.saslContinue, Buffer.from(data))
}

export function authenticationSASLFinal(data: string): Buffer {
  return authentication(authenticationTypes.saslFinal, Buffer.from(data))
}

/** Names a cancel request's target: the process and its secret. */
export interface CancelKey {
  processId: number
  secretKey: number
}

export function backendKeyData(key: CancelKey): Buffer {
  return message('K', Buffer.concat([uint32(key.processId), uint32(key.secretKey)]))
}

/** No transaction is open. */
export function readyForQuery(): Buffer {
  return message('Z', Buffer.from('I'))
}

/** For clients that ask for a later minor version or for `_pq_.` options that are unknown here. */
export function negotiateProtocolVersion(unrecognised: readonly string[]): Buffer {
  return message(
    'v',
    Buffer.concat([uint32(protocolVersion), uint32(unrecognised.length), strings(unrecognised)]),
  )
}

export function startupMessage(parameters: ReadonlyMap<string, string>): Buffer {
  return untyped(Buffer.concat([uint32(protocolVersion), strings([...parameters].flat()), zero]))
}

export function cancelRequest(key: CancelKey): Buffer {
  return untyped(
    Buffer.concat([uint32(requestCodes.cancel), uint32(key.processId), uint32(key.secretKey)]),
  )
}

export function saslInitialResponse(mechanism: string, data: string): Buffer {
  const bytes = Buffer.from(data)
  return message('p', Buffer.concat([strings([mechanism]), uint32(bytes.length), bytes]))
}

export function saslResponse(data: string): Buffer {
  return message('p', Buffer.from(data))
}

export function terminate(): Buffer {
  return message('X', Buffer.alloc(0))
}

const zero = Buffer.alloc(1)

function untyped(body: Buffer): Buffer {
  return Buffer.concat([uint32(body.length + 4), body])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

function strings(values: readonly string[]): Buffer {
  return Buffer.from(values.map((value) => `${value}\0`).join(''))
}

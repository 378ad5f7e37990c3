import { createHash, randomBytes } from 'node:crypto'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'

import { parseErrorFields } from '../gateway/wire/error-response.ts'
import {
  message,
  requestCodes,
  saslInitialResponse,
  saslResponse,
  startupMessage,
} from '../gateway/wire/messages.ts'
import { type Message, readMessage } from '../gateway/wire/reader.ts'
import { clientProof, deriveKeys } from '../lib/scram.ts'

/** Speaks the protocol byte by byte, for what stock clients never do. */
export interface WireClient {
  stream: Socket
  next(): Promise<Message>
  /** Messages up to and with the first of this type, or an ErrorResponse. */
  nextUntil(type: string): Promise<Message[]>
  close(): void
}

const timeoutMs = 15_000
const maxBodyBytes = 64 * 1024 * 1024

export function wireClient(stream: Socket): WireClient {
  stream.on('error', () => undefined)
  const next = async () => readMessage(stream, maxBodyBytes, AbortSignal.timeout(timeoutMs))
  return {
    stream,
    next,
    nextUntil: async (type) => {
      const messages: Message[] = []
      for (;;) {
        const received = await next()
        messages.push(received)
        if (received.type === type || received.type === 'E') return messages
      }
    },
    close: () => stream.destroy(),
  }
}

export async function openTcp(port: number): Promise<Socket> {
  const socket = connectTcp({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  socket.on('error', () => undefined)
  await event(socket, 'connect')
  return socket
}

export function requestPacket(code: number): Buffer {
  const packet = Buffer.alloc(8)
  packet.writeUInt32BE(8, 0)
  packet.writeUInt32BE(code, 4)
  return packet
}

export const sslRequest = requestPacket(requestCodes.ssl)

/** TLS after an SSLRequest, the certificate unchecked: the tests of that are others. */
export async function openTls(port: number, servername = ''): Promise<TLSSocket> {
  const socket = await openTcp(port)
  socket.write(sslRequest)
  const [answer] = await readSome(socket)
  if (answer !== 'S'.charCodeAt(0)) throw new Error('TLS was refused')
  return startTls(socket, { servername })
}

export async function startTls(
  socket: Socket,
  options: { servername?: string; ALPNProtocols?: string[] },
): Promise<TLSSocket> {
  const stream = connectTls({ socket, rejectUnauthorized: false, ...options })
  stream.on('error', () => undefined)
  await event(stream, 'secureConnect')
  return stream
}

/** A startup packet with this protocol version. */
export function startupPacket(parameters: Record<string, string>, version?: number): Buffer {
  const packet = startupMessage(new Map(Object.entries(parameters)))
  if (version !== undefined) packet.writeUInt32BE(version, 4)
  return packet
}

export function query(sql: string): Buffer {
  return message('Q', Buffer.from(`${sql}\0`))
}

export interface Credentials {
  password: string
  mechanism?: string
  /** `n,,`, `y,,` or `p=tls-server-end-point,,`. */
  gs2Header?: string
  /** What is bound to, where it is not the certificate that was shown. */
  binding?: Buffer
}

/** Goes through SCRAM and answers the first message after it: AuthenticationOk or an error. */
export async function authenticate(client: WireClient, credentials: Credentials): Promise<Message> {
  const { mechanism = 'SCRAM-SHA-256', gs2Header = 'n,,' } = credentials
  const offer = await client.next()
  if (offer.type !== 'R') return offer
  const bare = `n=,r=${randomBytes(18).toString('base64')}`
  client.stream.write(saslInitialResponse(mechanism, gs2Header + bare))
  const challenge = await client.next()
  if (challenge.type !== 'R') return challenge
  const serverFirst = challenge.body.toString('utf8', 4)
  const [, nonce = '', salt = '', iterations] = /^r=(.*),s=(.*),i=(\d+)$/.exec(serverFirst) ?? []
  const keys = await deriveKeys(
    credentials.password,
    Buffer.from(salt, 'base64'),
    Number(iterations),
  )
  const binding = Buffer.concat([
    Buffer.from(gs2Header),
    gs2Header.startsWith('p=') ? (credentials.binding ?? endPoint(client.stream)) : Buffer.alloc(0),
  ])
  const withoutProof = `c=${binding.toString('base64')},r=${nonce}`
  const proof = clientProof(keys.clientKey, `${bare},${serverFirst},${withoutProof}`)
  client.stream.write(saslResponse(`${withoutProof},p=${proof.toString('base64')}`))
  const final = await client.next()
  return final.type === 'R' && final.body.readUInt32BE(0) === 12 ? client.next() : final
}

/** `tls-server-end-point` of the certificates that tests make: by SHA-256. */
function endPoint(stream: Socket): Buffer {
  const { raw } = (stream as TLSSocket).getPeerCertificate()
  return createHash('sha256').update(raw).digest()
}

/** `SQLSTATE message` of an ErrorResponse, or the type of what came instead. */
export function describe(received: Message): string {
  if (received.type !== 'E') return `message ${received.type}`
  const fields = parseErrorFields(received.body)
  return `${fields.get('C')} ${fields.get('M')}`
}

/** Everything until the other side closes. */
export async function readToEnd(stream: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  stream.resume()
  await event(stream, 'close', 'end')
  return Buffer.concat(chunks)
}

/** The next chunk, whatever its size. */
export async function readSome(stream: Socket): Promise<Buffer> {
  const buffered: Buffer | null = stream.read()
  if (buffered !== null) return buffered
  await event(stream, 'readable')
  const chunk: Buffer | null = stream.read()
  return chunk ?? Buffer.alloc(0)
}

async function event(stream: Socket, ...names: string[]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${names.join(' or ')}`)), timeoutMs)
    const settle = (act: () => void) => {
      clearTimeout(timer)
      act()
    }
    for (const name of names) stream.once(name, () => settle(resolve))
    stream.once('close', () => settle(() => reject(new Error('the connection was closed'))))
  })
}

/** A login at the compute on the client's behalf, over its Unix socket. */
import { connect, type Socket } from 'node:net'
import type { Readable } from 'node:stream'

import { errorCode } from '../lib/errors.ts'
import type { ScramKeys } from '../lib/scram.ts'
import { abortable, pause } from './abortable.ts'
import { type BackendScram, startBackendScram } from './auth/backend-scram.ts'
import { scramMechanism } from './auth/scram-server.ts'
import type { ComputeAddress } from './control-plane.ts'
import { ComputeRefusal, Disconnected, sqlstates } from './errors.ts'
import { Inbox } from './inbox.ts'
import { parseErrorFields } from './wire/error-response.ts'
import {
  authenticationTypes,
  type CancelKey,
  message,
  saslInitialResponse,
  saslResponse,
  startupMessage,
} from './wire/messages.ts'
import { type Message, readMessage } from './wire/reader.ts'

export interface ComputeConnection {
  socket: Socket
  /** Where the bytes go that arrive, for a connection made with `intoOneBuffer`. */
  inbox: Inbox | undefined
  socketPath: string
  /** What the compute has sent until it was ready, in order, without its key: for the client. */
  greeting: Buffer[]
  /** The backend's own key for cancel requests. */
  cancelKey: CancelKey | undefined
}

export interface ComputeLogin {
  /** Where the compute was last known to be. */
  address: ComputeAddress
  /** Asked again before every further attempt: the compute may have gone to sleep in between. */
  wake: () => Promise<ComputeAddress>
  parameters: ReadonlyMap<string, string>
  keys: ScramKeys
  /**
   * Bytes arrive in one buffer that is used again and again. Node otherwise allocates 64 kB for each
   * read, which costs more than the read.
   */
  intoOneBuffer?: boolean
}

/** How long a compute that is starting, restarting or going to sleep is tried again. */
const retryTimeoutMs = 15_000
const firstRetryDelayMs = 5
const maxRetryDelayMs = 250

/** Notices of login triggers included; one message and all of them until the session is ready. */
const maxMessageBytes = 1024 * 1024
const maxGreetingBytes = 4 * 1024 * 1024

/**
 * Logs in, trying again while the compute is not there yet. Rejects with ComputeRefusal where it
 * answers no, with the signal's reason, or with the last attempt's error.
 */
export async function connectCompute(
  login: ComputeLogin,
  signal: AbortSignal,
): Promise<ComputeConnection> {
  const deadline = performance.now() + retryTimeoutMs
  let { address } = login
  for (let delayMs = firstRetryDelayMs; ; delayMs = Math.min(delayMs * 2, maxRetryDelayMs)) {
    try {
      return await logInOnce(address.socketPath, login, signal)
    } catch (error) {
      if (!isPassing(error) || performance.now() + delayMs > deadline) throw error
    }
    await pause(delayMs, signal)
    address = await abortable(login.wake(), signal)
  }
}

const passingErrnos = new Set(['ECONNREFUSED', 'ENOENT', 'EAGAIN', 'ECONNRESET', 'EPIPE'])
const passingSqlstates = new Set<string>([sqlstates.cannotConnectNow, sqlstates.adminShutdown])

/** Whether the compute is between two states: nothing has been done yet, so trying again is safe. */
function isPassing(error: unknown): boolean {
  if (error instanceof ComputeRefusal) return passingSqlstates.has(error.sqlstate)
  return error instanceof Disconnected || passingErrnos.has(errorCode(error) ?? '')
}

async function logInOnce(
  socketPath: string,
  login: ComputeLogin,
  signal: AbortSignal,
): Promise<ComputeConnection> {
  const inbox = login.intoOneBuffer === true ? new Inbox() : undefined
  const socket = connect({
    path: socketPath,
    allowHalfOpen: true,
    ...(inbox && { onread: inbox.options() }),
  })
  const peer = { socket, stream: inbox?.follow(socket) ?? socket }
  try {
    await opened(socket, signal)
    socket.write(startupMessage(login.parameters))
    await authenticate(peer, login.keys, signal)
    return { socket, inbox, socketPath, ...(await readGreeting(peer, signal)) }
  } catch (error) {
    socket.destroy()
    throw error
  }
}

async function opened(socket: Socket, signal: AbortSignal): Promise<void> {
  const connected = new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    // Stays for the socket's life: an error is followed by a close, which is what readers see.
    socket.on('error', reject)
  })
  await abortable(connected, signal)
}

/** A compute while it is logged in to: written to by the one, read from by the other. */
interface Peer {
  socket: Socket
  stream: Readable
}

async function next({ stream }: Peer, signal: AbortSignal): Promise<Message> {
  const received = await readMessage(stream, maxMessageBytes, signal)
  if (received.type === 'E') {
    const sqlstate = parseErrorFields(received.body).get('C') ?? sqlstates.internal
    throw new ComputeRefusal(sqlstate, message('E', received.body))
  }
  return received
}

/** Until AuthenticationOk: by SCRAM where the compute asks for it, at once where it trusts us. */
async function authenticate(peer: Peer, keys: ScramKeys, signal: AbortSignal): Promise<void> {
  let scram: BackendScram | undefined
  for (;;) {
    const { type, body } = await next(peer, signal)
    if (type !== 'R') continue
    const data = body.toString('utf8', 4)
    switch (body.readUInt32BE(0)) {
      case authenticationTypes.ok:
        return
      case authenticationTypes.sasl:
        if (!data.split('\0').includes(scramMechanism)) throw unsupported()
        scram = startBackendScram(keys)
        peer.socket.write(saslInitialResponse(scramMechanism, scram.clientFirst))
        break
      case authenticationTypes.saslContinue:
        if (scram === undefined) throw unsupported()
        peer.socket.write(saslResponse(scram.continue(data)))
        break
      case authenticationTypes.saslFinal:
        if (scram?.isGenuine(data) !== true) {
          throw new Error('the compute has not proved that it holds the verifier')
        }
        break
      default:
        throw unsupported()
    }
  }
}

function unsupported(): Error {
  return new Error('the compute asks for an authentication other than SCRAM-SHA-256')
}

/** Until ReadyForQuery: parameters and notices, and the key, which stays here. */
async function readGreeting(
  peer: Peer,
  signal: AbortSignal,
): Promise<Pick<ComputeConnection, 'greeting' | 'cancelKey'>> {
  const greeting: Buffer[] = []
  let cancelKey: CancelKey | undefined
  let greetingBytes = 0
  for (;;) {
    const { type, body } = await next(peer, signal)
    greetingBytes += body.length
    if (greetingBytes > maxGreetingBytes) throw new Error('the compute talks before it is ready')
    if (type === 'Z') return { greeting, cancelKey }
    if (type === 'K') {
      cancelKey = { processId: body.readUInt32BE(0), secretKey: body.readUInt32BE(4) }
    } else {
      greeting.push(message(type, body))
    }
  }
}

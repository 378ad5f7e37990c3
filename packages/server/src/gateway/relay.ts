/**
 * A session after its login: bytes both ways, unchanged and uncopied, at the pace of the slower
 * side. Message boundaries are followed only to know three things: whether the client waits for
 * notifications, whether the session is idle, and whether a message of ours may be put in.
 */
import type { Socket } from 'node:net'

import type { SessionActivity } from './control-plane.ts'
import { renderError, shutdownError } from './errors.ts'
import { parseErrorFields } from './wire/error-response.ts'
import { FrameScanner } from './wire/frame-scanner.ts'
import { terminate } from './wire/messages.ts'

export interface RelayEnds {
  client: Socket
  compute: Socket
  activity: SessionActivity
}

/** A LISTEN is short; looking into longer texts would cost time for nothing. */
const maxTextBytes = 1024
const listenWord = /\blisten\b/i

/** The errors that end a session are short; an ordinary one may carry a whole query. */
const maxErrorBytes = 8 * 1024

/** How long a client may take to read what is left once the compute has closed. */
const farewellTimeoutMs = 60_000

export class Relay {
  readonly #client: Socket
  readonly #compute: Socket
  readonly #activity: SessionActivity
  readonly #fromClient: FrameScanner
  readonly #fromCompute: FrameScanner
  /** Queries sent and not yet answered by ReadyForQuery. */
  #openQueries = 0
  /** ReadyForQuery's status: in no transaction, in one, in a failed one. */
  #status = 'I'
  /** Whether the compute itself has told the client why it closes. */
  #hasSaidWhy = false
  #isDraining = false
  #isOver = false

  constructor({ client, compute, activity }: RelayEnds) {
    this.#client = client
    this.#compute = compute
    this.#activity = activity
    this.#fromClient = new FrameScanner({
      onFrame: (type, bodyBytes) => this.#onClientFrame(type, bodyBytes),
      onBody: (_type, body) => {
        if (listenWord.test(body.toString('latin1'))) activity.markListening()
      },
    })
    this.#fromCompute = new FrameScanner({
      onFrame: (type, bodyBytes) => type === 'Z' || (type === 'E' && bodyBytes <= maxErrorBytes),
      onBody: (type, body) => {
        if (type === 'Z') this.#onReadyForQuery(body)
        else this.#hasSaidWhy = isLastWord(body)
      },
    })
  }

  /** Resolves once both sides are closed. */
  async run(): Promise<void> {
    const [client, compute] = [this.#client, this.#compute]
    const closed = Promise.all([closing(client), closing(compute)])
    client.once('end', () => compute.end())
    client.once('close', () => compute.destroy())
    compute.once('end', () => this.#onComputeEnd())
    compute.once('close', () => this.#onComputeEnd())
    forward(client, compute, (chunk) => this.#fromClient.scan(chunk), this.#activity)
    forward(compute, client, (chunk) => this.#fromCompute.scan(chunk), this.#activity)
    await closed
  }

  /** Ends the session as soon as it is idle. */
  drain(): void {
    this.#isDraining = true
    if (this.#isIdle) this.shutDown()
  }

  /** Ends the session now, with 57P01 where the client can be told. */
  shutDown(): void {
    if (this.#isOver) return
    this.#finish(this.#fromCompute.isAtBoundary && !this.#hasSaidWhy)
    this.#compute.end(terminate())
    // What the backend still sends has no reader any more.
    this.#compute.resume()
  }

  get #isIdle(): boolean {
    return this.#openQueries === 0 && this.#status === 'I' && this.#isBetweenQueries
  }

  /** Whether the client has sent nothing, or its last message asks for ReadyForQuery. */
  get #isBetweenQueries(): boolean {
    return this.#fromClient.isAtBoundary && ['', 'Q', 'S', 'F'].includes(this.#fromClient.lastType)
  }

  #onClientFrame(type: string, bodyBytes: number): boolean {
    if (type === 'Q' || type === 'S' || type === 'F') this.#openQueries++
    return (type === 'Q' || type === 'P') && bodyBytes <= maxTextBytes
  }

  #onReadyForQuery(body: Buffer): void {
    this.#openQueries = Math.max(0, this.#openQueries - 1)
    this.#status = body.toString('latin1', 0, 1)
    // After this chunk has been passed on, or ReadyForQuery would come after the end.
    if (this.#isDraining && this.#isIdle) setImmediate(() => this.shutDown())
  }

  #onComputeEnd(): void {
    if (this.#isOver) return
    const hasLeft = this.#client.readableEnded || this.#fromClient.lastType === 'X'
    this.#finish(!hasLeft && !this.#hasSaidWhy && this.#fromCompute.isAtBoundary)
    this.#compute.end()
  }

  #finish(tellsWhy: boolean): void {
    this.#isOver = true
    if (tellsWhy) this.#client.end(renderError(shutdownError()))
    else this.#client.end()
    // Its close is waited for: read on to its end, but not for ever.
    this.#client.resume()
    const timer = setTimeout(() => this.#client.destroy(), farewellTimeoutMs)
    this.#client.once('close', () => clearTimeout(timer))
  }
}

/** Whether PostgreSQL closes the connection after this error. */
function isLastWord(errorBody: Buffer): boolean {
  return ['FATAL', 'PANIC'].includes(parseErrorFields(errorBody).get('V') ?? '')
}

/** Copies until `from` ends, never holding more than what `to` has room for. */
function forward(
  from: Socket,
  to: Socket,
  scan: (chunk: Buffer) => void,
  activity: SessionActivity,
): void {
  to.on('drain', () => from.resume())
  from.on('data', (chunk: Buffer) => {
    activity.touch()
    scan(chunk)
    if (to.writable && !to.write(chunk)) from.pause()
  })
  from.resume()
}

async function closing(socket: Socket): Promise<void> {
  if (socket.closed) return
  await new Promise<void>((resolve) => {
    socket.once('close', () => resolve())
  })
}

/**
 * A session after its login: bytes both ways, unchanged and uncopied, at the pace of the slower
 * side. Message boundaries are followed to know three things: whether the client waits for
 * notifications, whether the session is idle, and whether a message of ours may be put in. What
 * concerns the gateway is replaced on its way: `SHOW pool_mode`, and on a connection for replication
 * what it may not ask.
 */
import type { Duplex } from 'node:stream'

import type { SessionActivity } from './control-plane.ts'
import { ClientError, renderError, shutdownError, sqlstates } from './errors.ts'
import { Listening } from './listening.ts'
import { maxReplicationQueryBytes, refuseReplicationCommand } from './replication.ts'
import { rewriteShowPoolMode } from './show-pool-mode.ts'
import { parseErrorFields } from './wire/error-response.ts'
import { FrameGate } from './wire/frame-gate.ts'
import { FrameScanner } from './wire/frame-scanner.ts'
import { message, terminate } from './wire/messages.ts'

export interface RelayEnds {
  client: Duplex
  compute: Duplex
  activity: SessionActivity
  /** Bytes are on their way to the client. */
  countSent: (bytes: number) => void
  /** Whether the compute's side is a walsender. */
  replication?: boolean
}

/** A LISTEN is short; looking into longer texts would cost time for nothing. */
const maxTextBytes = 1024

/** Every other text passes with this one look at it. */
const concerning = /listen|discard|pool_mode/i

/** The errors that end a session are short; an ordinary one may carry a whole query. */
const maxErrorBytes = 8 * 1024

/** How long a client may take to read what is left once the compute has closed. */
const farewellTimeoutMs = 60_000

export class Relay {
  readonly #client: Duplex
  readonly #compute: Duplex
  readonly #activity: SessionActivity
  readonly #countSent: RelayEnds['countSent']
  readonly #listening: Listening
  readonly #isReplication: boolean
  readonly #fromClient: FrameGate
  readonly #fromCompute: FrameScanner
  /** Queries sent and not yet answered by ReadyForQuery. */
  #openQueries = 0
  /** ReadyForQuery's status: in no transaction, in one, in a failed one. */
  #status = 'I'
  /** Whether the compute itself has told the client why it closes. */
  #hasSaidWhy = false
  #isDraining = false
  #isOver = false

  constructor({ client, compute, activity, countSent, replication = false }: RelayEnds) {
    this.#client = client
    this.#compute = compute
    this.#activity = activity
    this.#countSent = countSent
    this.#listening = new Listening(activity)
    this.#isReplication = replication
    this.#fromClient = new FrameGate({
      onFrame: (type, bodyBytes) => this.#onClientFrame(type, bodyBytes),
      onMessage: (type, body) => this.#onClientText(type, body),
    })
    this.#fromCompute = new FrameScanner({
      onFrame: (type, bodyBytes) => this.#onComputeFrame(type, bodyBytes),
      onBody: (type, body) => {
        if (type === 'Z') this.#onReadyForQuery(body)
        else if (type === 'C') this.#listening.noteTag(body)
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
    forward(client, compute, (chunk) => this.#passOn(chunk), this.#activity)
    forward(compute, client, (chunk) => this.#watch(chunk), this.#activity)
    await closed
  }

  /** Ends the session as soon as it is idle. */
  drain(): void {
    this.#isDraining = true
    if (this.#isIdle) this.shutDown()
  }

  /** Ends the session now, with 57P01 where the client can be told. */
  shutDown(reason = shutdownError()): void {
    if (this.#isOver) return
    this.#finish(this.#fromCompute.isAtBoundary && !this.#hasSaidWhy ? reason : undefined)
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

  /** What of a chunk goes to the compute: nothing more once the session is over. */
  #passOn(chunk: Buffer): Buffer {
    return this.#isOver ? nothing : this.#fromClient.pass(chunk)
  }

  #watch(chunk: Buffer): Buffer {
    this.#fromCompute.scan(chunk)
    this.#countSent(chunk.length)
    return chunk
  }

  #onClientFrame(type: string, bodyBytes: number): boolean {
    if (type === 'Q' || type === 'S' || type === 'F') this.#openQueries++
    if (type !== 'Q' && type !== 'P') return false
    if (this.#isReplication) return this.#isForReplication(bodyBytes)
    if (bodyBytes <= maxTextBytes) return true
    this.#listening.noteText(undefined)
    return false
  }

  /** Every text is looked into whole; one that cannot be ends the session. */
  #isForReplication(bodyBytes: number): boolean {
    if (bodyBytes > maxReplicationQueryBytes) this.shutDown(textTooLong())
    return true
  }

  /** A Query or Parse; answers what goes to the compute in its place. */
  #onClientText(type: string, body: Buffer): Buffer | undefined {
    const from = type === 'P' ? body.indexOf(0) + 1 : 0
    const end = body.indexOf(0, from)
    const text = body.toString('latin1', from, end === -1 ? body.length : end)
    if (!this.#isReplication && !concerning.test(text)) return undefined
    this.#listening.noteText(text)
    const instead =
      (this.#isReplication ? refuseReplicationCommand(text) : undefined) ??
      rewriteShowPoolMode(text, 'session')
    if (instead === undefined || end === -1) return undefined
    return message(
      type,
      Buffer.concat([body.subarray(0, from), Buffer.from(instead), body.subarray(end)]),
    )
  }

  #onComputeFrame(type: string, bodyBytes: number): boolean {
    if (type === 'C') return this.#listening.wantsTag(bodyBytes)
    if (type !== 'E') return type === 'Z'
    this.#listening.noteError()
    return bodyBytes <= maxErrorBytes
  }

  #onReadyForQuery(body: Buffer): void {
    this.#openQueries = Math.max(0, this.#openQueries - 1)
    this.#status = body.toString('latin1', 0, 1)
    if (this.#status === 'I') this.#listening.noteCommitted()
    // After this chunk has been passed on, or ReadyForQuery would come after the end.
    if (this.#isDraining && this.#isIdle) setImmediate(() => this.shutDown())
  }

  #onComputeEnd(): void {
    if (this.#isOver) return
    const hasLeft = this.#client.readableEnded || this.#fromClient.lastType === 'X'
    const canTell = !hasLeft && !this.#hasSaidWhy && this.#fromCompute.isAtBoundary
    this.#finish(canTell ? shutdownError() : undefined)
    this.#compute.end()
  }

  #finish(reason: ClientError | undefined): void {
    this.#isOver = true
    if (reason) this.#client.end(renderError(reason))
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

const nothing = Buffer.alloc(0)

function textTooLong(): ClientError {
  return new ClientError(
    sqlstates.limitExceeded,
    `a query on a replication connection has at most ${maxReplicationQueryBytes} bytes; use another connection for it`,
  )
}

/** Copies until `from` ends, never holding more than what `to` has room for. */
function forward(
  from: Duplex,
  to: Duplex,
  pass: (chunk: Buffer) => Buffer,
  activity: SessionActivity,
): void {
  to.on('drain', () => from.resume())
  from.on('data', (chunk: Buffer) => {
    activity.touch()
    const bytes = pass(chunk)
    if (bytes.length > 0 && to.writable && !to.write(bytes)) from.pause()
  })
  from.resume()
}

async function closing(socket: Duplex): Promise<void> {
  if (socket.closed) return
  await new Promise<void>((resolve) => {
    socket.once('close', () => resolve())
  })
}

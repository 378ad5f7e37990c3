/**
 * One connection to a compute, as pools use it: it knows where its answers end, what was prepared on
 * it and which session variables it has, and it passes all else on unread.
 */
import type { Socket } from 'node:net'

import { steadyNow } from '../../lib/steady-clock.ts'
import { type CancelTarget, sendCancelRequest } from '../cancel.ts'
import type { ComputeConnection } from '../connect-compute.ts'
import type { SessionActivity } from '../control-plane.ts'
import { Disconnected } from '../errors.ts'
import type { Inbox } from '../inbox.ts'
import { parseErrorFields } from '../wire/error-response.ts'
import { headerBytes, message, terminate } from '../wire/messages.ts'
import type { PoolKey, TransactionStatus } from './lease.ts'
import { closeStatement, type Statement } from './statements.ts'
import { noVariables, type Variables } from './variables.ts'

/** Who has a server connection at the moment. */
export interface ServerUser {
  /** Answers for the client, whole messages or the beginning or rest of long ones. */
  receive(bytes: Buffer): void
  /** Everything that was sent has been answered; called after `receive`. */
  settle(status: TransactionStatus): void
  /** A statement has been carried out: its command tag, NUL-terminated, is at these bytes. */
  complete(bytes: Buffer, start: number, end: number): void
  /** A reported parameter has changed; the client has been sent the message. */
  learn(parameters: string): void
  /** The text of an error or notice for the client, where it speaks of names of ours. */
  translate(body: Buffer): Buffer
  /** The connection is gone, while it was lent. */
  lose(reason: Buffer | undefined): void
}

/** What a message of ours is answered by, in the order of sending. */
interface Expected {
  /** The answer is dropped, passed on, or turned into the answer to another message. */
  action: 'pass' | 'drop' | 'turn'
  /** Prepared once the answer is there; not prepared where it never comes. */
  statement: Statement | undefined
  /** Which ReadyForQuery ends its batch, counted from the first of the connection. */
  batch: number
  /** Its place among all that is expected. */
  place: number
  /** Takes back what was noted for the client, where the server has skipped the message or refused it. */
  undo: Undo | undefined
}

type Undo = () => void

interface EndAhead {
  /** In which the COPY stands, counted as in what is expected. */
  batch: number
  /** How many batches had been sent before it. */
  sent: number
}

interface Exchange {
  onMessage: (type: string, body: Buffer) => void
  resolve: (status: TransactionStatus) => void
  reject: (error: Error) => void
}

const query = 0x51 // 'Q'
const sync = 0x53 // 'S'

const codes = {
  parseComplete: 0x31, // '1'
  closeComplete: 0x33, // '3'
  commandComplete: 0x43, // 'C'
  error: 0x45, // 'E'
  copyIn: 0x47, // 'G'
  notice: 0x4e, // 'N'
  notification: 0x41, // 'A'
  parameterStatus: 0x53, // 'S'
  ready: 0x5a, // 'Z'
} as const

/** Messages that are looked into, and so are waited for until they are whole. */
const isHeld = heldTypes(Object.values(codes).filter((code) => code !== codes.notification))
/** Longer ones are passed on unread: an error that quotes a whole statement. */
const maxHeldBytes = 64 * 1024

export class ServerConnection {
  readonly key: PoolKey
  readonly id: number
  readonly activity: SessionActivity
  /** By `steadyNow()`. */
  readonly connectedAtMs = steadyNow()
  lastUsedAtMs = this.connectedAtMs
  /** Not lent again: too old, or told to reconnect. */
  isRetiring = false
  /** The session's variables, over those it began with. */
  variables: Variables = noVariables
  /** Reported parameters, in a canonical form that compares. */
  parameters: string
  /** The unnamed statement, as whoever has made it knows it; undefined where there is none. */
  unnamed: object | undefined
  user: ServerUser | undefined
  /** A client with a session has sent something since all that sessions leave was taken out. */
  hasServedSession = false
  bytesIn = 0
  bytesOut = 0

  readonly #socket: Socket
  readonly #inbox: Inbox | undefined
  readonly #target: CancelTarget | undefined
  readonly #reported: Map<string, string>
  readonly #prepared = new Set<Statement>()
  readonly #parses: Expected[] = []
  readonly #closes: Expected[] = []
  /** Messages that ReadyForQuery answers, in order. */
  readonly #pending: number[] = []
  #batchesSent = 0
  #batchesDone = 0
  #expectedCount = 0
  #isCopyingIn = false
  /** Ends of COPY that went out before the server had said that it begins, if it ever does. */
  readonly #endsAhead: EndAhead[] = []
  #status: TransactionStatus = 'I'
  #carry: Buffer | undefined
  /** Bytes to come of a message whose beginning has been passed on. */
  #passing = 0
  #exchange: Exchange | undefined
  #cancels = 0
  #afterCancels: (() => void) | undefined
  #lastError: Buffer | undefined
  #isClosed = false

  constructor(key: PoolKey, id: number, compute: ComputeConnection, activity: SessionActivity) {
    this.key = key
    this.id = id
    this.activity = activity
    this.#socket = compute.socket
    this.#inbox = compute.inbox
    this.#target = compute.cancelKey && { socketPath: compute.socketPath, key: compute.cancelKey }
    this.#reported = reportedParameters(compute.greeting)
    this.parameters = canonical(this.#reported)
  }

  /** Begins to read. `onClose` is called once, when the connection is gone. */
  open(onClose: () => void): void {
    const socket = this.#socket
    this.#inbox?.passOn((chunk) => this.#onChunk(chunk))
    socket.once('end', () => socket.destroy())
    socket.once('close', () => {
      this.#onClosed()
      onClose()
    })
    if (socket.destroyed) socket.emit('close', false)
    else socket.resume()
  }

  get remotePid(): number {
    return this.#target?.key.processId ?? 0
  }

  get status(): TransactionStatus {
    return this.#status
  }

  get isClosed(): boolean {
    return this.#isClosed || this.#socket.destroyed
  }

  /** Whether all that was sent is answered. */
  get isSettled(): boolean {
    return this.#pending.length === 0 && this.#passing === 0 && !this.#isCopyingIn
  }

  /** Whether a message for the client may be put in: it has no half of one. */
  get isAtBoundary(): boolean {
    return this.#passing === 0
  }

  get preparedStatements(): number {
    return this.#prepared.size
  }

  /** Reported parameters by name. */
  reported(): ReadonlyMap<string, string> {
    return this.#reported
  }

  write(bytes: Buffer): boolean {
    this.bytesOut += bytes.length
    return this.#socket.write(bytes)
  }

  onDrain(resume: () => void): void {
    this.#socket.once('drain', resume)
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** A Query, Sync or FunctionCall is about to be sent. */
  expectReady(type: number): void {
    // In copy-in mode the server ignores Sync (manual, "COPY Operations").
    if (this.#isCopyingIn && type === sync) return
    this.#pending.push(type)
    this.#batchesSent++
  }

  /** CopyDone or CopyFail is about to be sent; `isUnsynced` where the Sync of the COPY is still to come. */
  endCopyIn(isUnsynced: boolean): void {
    if (this.#isCopyingIn) {
      this.#isCopyingIn = false
      return
    }
    const sent = this.#batchesSent
    const batch = isUnsynced ? sent : sent - 1
    if (batch >= this.#batchesDone) this.#endsAhead.push({ batch, sent })
  }

  has(statement: Statement): boolean {
    return this.#prepared.has(statement)
  }

  /** A Parse is about to be sent, of a statement with a name of ours where there is one. */
  expectParse(action: 'pass' | 'drop', statement: Statement | undefined, undo?: Undo): void {
    this.#parses.push(this.#expected(action, statement, undo))
    if (statement) this.#prepared.add(statement)
  }

  /** A Close is about to be sent. `turn` gives the client ParseComplete for its answer. */
  expectClose(action: Expected['action'], undo?: Undo): void {
    this.#closes.push(this.#expected(action, undefined, undo))
  }

  /** Marks a use, so that the statement used longest ago is closed first. */
  use(statement: Statement): void {
    if (this.#prepared.size < 2 || !this.#prepared.delete(statement)) return
    this.#prepared.add(statement)
  }

  /** Close messages for what is over the cap once one more is prepared. */
  closeOldest(cap: number): Buffer[] {
    const closes: Buffer[] = []
    while (this.#prepared.size >= Math.max(cap, 1)) {
      const [oldest] = this.#prepared
      if (oldest === undefined) break
      this.#prepared.delete(oldest)
      this.expectClose('drop', () => this.#prepared.add(oldest))
      closes.push(closeStatement(oldest.name))
    }
    return closes
  }

  forget(statement: Statement): void {
    this.#prepared.delete(statement)
  }

  /** DEALLOCATE ALL or DISCARD ALL was carried out. */
  forgetStatements(): void {
    this.#prepared.clear()
    this.unnamed = undefined
  }

  /** All that clients have left in the session has been taken out, but for these variables. */
  beginAnew(variables: Variables): void {
    this.forgetStatements()
    this.hasServedSession = false
    this.variables = variables
    this.activity.setListening(false)
  }

  /** Sends messages of which the last is a Query or Sync; every answer goes to `onMessage`. */
  async exchange(
    messages: Buffer,
    onMessage: (type: string, body: Buffer) => void,
  ): Promise<TransactionStatus> {
    if (this.isClosed) throw new Disconnected('the compute')
    return new Promise((resolve, reject) => {
      this.#exchange = { onMessage, resolve, reject }
      this.write(messages)
    })
  }

  /**
   * Runs one statement of ours, by a simple query. Resolves with the first column of its last row; rejects with
   * ServerError where it fails and with Disconnected where the connection goes.
   */
  async run(sql: string): Promise<string | undefined> {
    // A simple query ends it.
    this.unnamed = undefined
    // A connection that does not answer us will not answer a client either.
    const deadline = setTimeout(() => this.destroy(), runTimeoutMs)
    let value: string | undefined
    let failure: Buffer | undefined
    const done = this.exchange(message('Q', Buffer.from(`${sql}\0`)), (type, body) => {
      if (type === 'D') value = firstColumn(body)
      else if (type === 'E') failure ??= Buffer.from(body)
      else if (type === 'S') this.#learn(body)
    })
    await done.finally(() => clearTimeout(deadline))
    if (failure) throw new ServerError(failure)
    return value
  }

  /** Asks the postmaster to cancel what runs here. Until it has, nobody else gets the connection. */
  cancel(): void {
    if (this.#target === undefined || this.isClosed) return
    this.#cancels++
    void sendCancelRequest(this.#target).finally(() => {
      this.#cancels--
      if (this.#cancels > 0) return
      const act = this.#afterCancels
      this.#afterCancels = undefined
      act?.()
    })
  }

  get isCancelling(): boolean {
    return this.#cancels > 0
  }

  /** Calls back once no cancel request is on its way. */
  onceCancelled(act: () => void): void {
    this.#afterCancels = act
  }

  /** Closes in good order. */
  close(): void {
    if (!this.isClosed) this.#socket.end(terminate())
    this.#socket.resume()
    setTimeout(() => this.destroy(), closeTimeoutMs).unref()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #onChunk(chunk: Buffer): void {
    this.bytesIn += chunk.length
    const bytes = this.#carry ? Buffer.concat([this.#carry, chunk]) : chunk
    this.#carry = undefined
    if (this.#exchange) this.#takeExchange(bytes)
    else this.#pass(bytes)
  }

  /** Whole messages to the exchange; what follows its end is nobody's but ours. */
  #takeExchange(bytes: Buffer): void {
    let at = 0
    while (this.#exchange !== undefined && bytes.length - at >= headerBytes) {
      const end = at + 1 + bytes.readUInt32BE(at + 1)
      if (end > bytes.length) break
      this.#answer(this.#exchange, bytes, at, end)
      at = end
    }
    if (at === bytes.length) return
    if (this.#exchange === undefined) this.#pass(bytes.subarray(at))
    else this.#carry = Buffer.from(bytes.subarray(at))
  }

  #answer(exchange: Exchange, bytes: Buffer, at: number, end: number): void {
    const type = bytes[at] ?? 0
    const body = bytes.subarray(at + headerBytes, end)
    if (type === codes.ready) {
      this.#status = statusOf(body[0])
      this.#exchange = undefined
      exchange.resolve(this.#status)
      return
    }
    if (type === codes.error) this.#lastError = Buffer.from(bytes.subarray(at, end))
    // A client that listens is told also while a statement of ours runs on its connection.
    if (type === codes.notification && this.user) {
      this.user.receive(Buffer.from(bytes.subarray(at, end)))
      return
    }
    // Whoever sends whole statements has no data to copy in; the Sync sent along was ignored.
    if (type === codes.copyIn) this.write(noCopyIn)
    exchange.onMessage(String.fromCharCode(type), body)
  }

  /** Passes on what is the client's, in as few pieces as can be. */
  #pass(bytes: Buffer): void {
    const { length } = bytes
    const parts: Buffer[] = []
    let from = 0
    let at = Math.min(this.#passing, length)
    this.#passing -= at
    let isReady = false
    while (length - at >= headerBytes) {
      const type = bytes[at] ?? 0
      const end = at + 1 + bytes.readUInt32BE(at + 1)
      if (isHeld[type] === 1 && (end <= length || end - at <= maxHeldBytes)) {
        if (end > length) break
        const answer = this.#look(type, bytes, at, end)
        if (type === codes.ready) isReady = true
        if (answer !== 'pass') {
          if (at > from) parts.push(bytes.subarray(from, at))
          if (answer !== 'drop') parts.push(answer)
          from = end
        }
      }
      this.#passing = Math.max(0, end - length)
      at = Math.min(end, length)
    }
    if (at < length) this.#carry = Buffer.from(bytes.subarray(at))
    if (at > from) parts.push(from === 0 && at === length ? bytes : bytes.subarray(from, at))
    this.#deliver(parts)
    if (isReady && this.#pending.length === 0) this.user?.settle(this.#status)
  }

  #deliver(parts: Buffer[]): void {
    const [first] = parts
    if (first === undefined) return
    // The buffer belongs to the next read; what the client is sent may have to wait.
    this.user?.receive(parts.length === 1 ? Buffer.from(first) : Buffer.concat(parts))
  }

  /** A whole message that concerns us: passed on, dropped or replaced. */
  #look(type: number, bytes: Buffer, at: number, end: number): 'pass' | 'drop' | Buffer {
    switch (type) {
      case codes.ready:
        this.#onReady(statusOf(bytes[at + headerBytes]))
        return 'pass'
      case codes.commandComplete:
        this.user?.complete(bytes, at + headerBytes, end)
        return 'pass'
      case codes.parseComplete:
        return answerOf(this.#parses.shift())
      case codes.closeComplete:
        return answerOf(this.#closes.shift())
      case codes.parameterStatus:
        this.#learn(bytes.subarray(at + headerBytes, end))
        this.user?.learn(this.parameters)
        return 'pass'
      case codes.copyIn:
        this.#beginCopyIn()
        return 'pass'
      case codes.error:
        this.#isCopyingIn = false
        this.#lastError = Buffer.from(bytes.subarray(at, end))
        return this.#translated(type, bytes.subarray(at + headerBytes, end))
      case codes.notice:
        return this.#translated(type, bytes.subarray(at + headerBytes, end))
      default:
        return 'pass'
    }
  }

  #translated(type: number, body: Buffer): 'pass' | Buffer {
    const translated = this.user?.translate(body) ?? body
    return translated === body ? 'pass' : message(String.fromCharCode(type), translated)
  }

  #onReady(status: TransactionStatus): void {
    this.#status = status
    this.#pending.shift()
    this.#batchesDone++
    dropUnanswered(this.#endsAhead, this.#batchesDone)
    const closes = dropUnanswered(this.#closes, this.#batchesDone)
    const parses = dropUnanswered(this.#parses, this.#batchesDone)
    if (closes.length + parses.length > 0) this.#takeBack([...closes, ...parses])
  }

  /** The last first, as one may build on another. */
  #takeBack(unanswered: Expected[]): void {
    for (const { statement, undo } of unanswered.toSorted(
      (one, other) => other.place - one.place,
    )) {
      if (statement) this.#prepared.delete(statement)
      undo?.()
    }
  }

  #expected(
    action: Expected['action'],
    statement: Statement | undefined,
    undo: Undo | undefined,
  ): Expected {
    return { action, statement, undo, batch: this.#batchesSent, place: this.#expectedCount++ }
  }

  /** Syncs sent between the COPY and its end are ignored: another follows CopyDone or CopyFail. */
  #beginCopyIn(): void {
    const end = this.#endsAhead.shift()
    this.#isCopyingIn = end === undefined
    const own = this.#pending[0] === query ? 1 : 0
    const ignored = (end?.sent ?? this.#batchesSent) - this.#batchesDone - own
    this.#pending.splice(own, ignored)
    this.#batchesDone += ignored
  }

  #learn(body: Buffer): void {
    const [name, value] = body.toString('utf8').split('\0')
    if (name === undefined || value === undefined) return
    this.#reported.set(name, value)
    this.parameters = canonical(this.#reported)
  }

  #onClosed(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.activity.end()
    const exchange = this.#exchange
    this.#exchange = undefined
    exchange?.reject(new Disconnected('the compute'))
    const { user } = this
    this.user = undefined
    const isFatal = this.#lastError && isLastWord(this.#lastError)
    user?.lose(isFatal ? this.#lastError : undefined)
  }
}

/** A statement of ours has failed; the server's ErrorResponse says why. */
export class ServerError extends Error {
  readonly sqlstate: string
  readonly body: Buffer

  constructor(body: Buffer) {
    const fields = parseErrorFields(body)
    super(fields.get('M') ?? 'the compute has refused a statement')
    this.name = 'ServerError'
    this.sqlstate = fields.get('C') ?? 'XX000'
    this.body = body
  }
}

/** Statements of ours take milliseconds, or as long as functions of a large schema are read. */
const runTimeoutMs = 60_000

/** How long a backend may take to say goodbye. */
const closeTimeoutMs = 5_000

const parseComplete = message('1', Buffer.alloc(0))

/** CopyFail and Sync. */
const noCopyIn = Buffer.concat([
  message('f', Buffer.from('COPY FROM STDIN needs a connection of its own\0')),
  message('S', Buffer.alloc(0)),
])

function answerOf(expected: Expected | undefined): 'pass' | 'drop' | Buffer {
  if (expected === undefined || expected.action === 'pass') return 'pass'
  return expected.action === 'drop' ? 'drop' : parseComplete
}

/** After an error the server skips to the next Sync; what it skipped has no answer. */
function dropUnanswered<T extends { batch: number }>(expected: T[], batchesDone: number): T[] {
  let count = 0
  while (count < expected.length && (expected[count]?.batch ?? 0) < batchesDone) count++
  return count === 0 ? none : expected.splice(0, count)
}

const none: never[] = []

function statusOf(byte: number | undefined): TransactionStatus {
  return byte === 0x54 ? 'T' : byte === 0x45 ? 'E' : 'I'
}

function heldTypes(types: readonly number[]): Uint8Array {
  const held = new Uint8Array(256)
  for (const type of types) held[type] = 1
  return held
}

/** From the ParameterStatus messages of a login. */
function reportedParameters(greeting: readonly Buffer[]): Map<string, string> {
  const parameters = new Map<string, string>()
  for (const bytes of greeting) {
    if (bytes[0] !== codes.parameterStatus) continue
    const [name = '', value = ''] = bytes.toString('utf8', headerBytes).split('\0')
    parameters.set(name, value)
  }
  return parameters
}

/** Equal exactly where the parameters are. */
export function canonical(parameters: ReadonlyMap<string, string>): string {
  return [...parameters].map(([name, value]) => `${name}=${value}`).join('\0')
}

/** PostgreSQL closes the connection after this ErrorResponse. */
function isLastWord(response: Buffer): boolean {
  const severity = parseErrorFields(response.subarray(headerBytes)).get('V') ?? ''
  return severity === 'FATAL' || severity === 'PANIC'
}

/** Of a DataRow's body; undefined where it is NULL or there is none. */
function firstColumn(body: Buffer): string | undefined {
  if (body.readUInt16BE(0) === 0) return undefined
  const length = body.readInt32BE(2)
  return length < 0 ? undefined : body.toString('utf8', 6, 6 + length)
}

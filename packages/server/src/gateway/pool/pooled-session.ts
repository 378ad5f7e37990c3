/**
 * A client of a pool, after its login: it has a server connection while a transaction runs, and keeps
 * it only as long as its session holds something that no other client must find.
 *
 * Messages pass through uncopied. Looked into are the beginnings of those that name a prepared
 * statement, which gets a name of ours, and the texts of Query and Parse, which tell whether the
 * session may have changed.
 */
import type { Duplex } from 'node:stream'

import { steadyNow } from '../../lib/steady-clock.ts'
import type { WakingClient } from '../control-plane.ts'
import {
  ClientError,
  ComputeRefusal,
  Disconnected,
  protocolViolation,
  renderError,
  sqlstates,
} from '../errors.ts'
import { failingStatement } from '../failing-statement.ts'
import { rewriteShowPoolMode } from '../show-pool-mode.ts'
import { fatal } from '../wire/error-response.ts'
import {
  authenticationOk,
  backendKeyData,
  type CancelKey,
  headerBytes,
  message,
  readyForQuery,
} from '../wire/messages.ts'
import { ClientStatements, type Replacement, type TextReader } from './client-statements.ts'
import {
  tagDeallocates,
  tagChangesDefinitions,
  tagChangesFunctions,
  tagForgetsStatements,
} from './command-tags.ts'
import { type PoolClientDetails, type TransactionStatus, wakingClient } from './lease.ts'
import { maxTextBytes, type Pool, type SessionWanted, type Waiter } from './pool.ts'
import {
  canonical,
  type ServerConnection,
  ServerError,
  type ServerUser,
} from './server-connection.ts'
import { refusalOf, type SessionHints, unread } from './session-hints.ts'
import { inspectionQuery, readInspection } from './session-inspection.ts'
import { type Variables, variablesOf } from './variables.ts'

export interface PooledClient extends PoolClientDetails {
  stream: Duplex
  clientPort: number
}

const types = {
  query: 0x51, // 'Q'
  parse: 0x50, // 'P'
  bind: 0x42, // 'B'
  describe: 0x44, // 'D'
  close: 0x43, // 'C'
  execute: 0x45, // 'E'
  flush: 0x48, // 'H'
  sync: 0x53, // 'S'
  functionCall: 0x46, // 'F'
  copyData: 0x64, // 'd'
  copyDone: 0x63, // 'c'
  copyFail: 0x66, // 'f'
  terminate: 0x58, // 'X'
} as const

const known = new Set<number>(Object.values(types))

/** Read ahead of a client that waits. */
const maxHeldBytes = 64 * 1024
/** Portal's and statement's name at the beginning of a Bind. */
const maxNamesBytes = 8 * 1024
/** What PostgreSQL takes in one message. */
const maxMessageBytes = 0x3fffffff
/** How long a client that has been told why may take to close. */
const lingerMs = 2_000

let lastId = 0

export class PooledSession implements ServerUser, TextReader, Waiter {
  readonly id = ++lastId
  readonly details: PooledClient
  readonly waking: WakingClient
  /** By `steadyNow()`. */
  readonly connectedAtMs = steadyNow()
  lastRequestAtMs = this.connectedAtMs
  waitingSince = 0
  /** Why the client keeps its server connection, for people; empty when it does not. */
  pins: readonly string[] = []

  readonly #pool: Pool
  readonly #stream: Duplex
  /** As the client has asked for at its start; RESET goes back to them. */
  readonly #initial: ReadonlyMap<string, string>
  readonly #statements: ClientStatements
  #variables: Variables
  /** The reported parameters that the client has been told, in canonical form. */
  #told = ''
  #toldValues: ReadonlyMap<string, string> = new Map()
  #server: ServerConnection | undefined
  #cancelKey: CancelKey | undefined
  #isWaiting = false
  /** Statements of ours run on the server connection; the client's wait. */
  #isBusy = false
  /** The server connection gets the client's variables; the client has sent nothing on it yet. */
  #isMovingIn = false
  /** What the client has sent and nobody has taken yet; not read further until then. */
  #held: Buffer[] = []
  #heldBytes = 0
  #carry: Buffer | undefined
  /** Bytes to come of a message that is passed on as it comes. */
  #passing = 0
  /** Whether messages have been sent that only a Sync will end. */
  #isUnsynced = false
  /** What this transaction's texts may have done to the session. */
  #isSuspicious = false
  #customSettings = new Set<string>()
  #hasUnknownSetting = false
  #hasLoaded = false
  /** Something has run that nobody has read, since the client got its server connection. */
  #hasUnread = false
  #startedAt = 0
  #isDraining = false
  #isOver = false

  constructor(details: PooledClient, pool: Pool) {
    this.details = details
    this.waking = wakingClient(details)
    this.#pool = pool
    this.#statements = new ClientStatements(pool, this)
    this.#stream = details.stream
    this.#initial = details.variables
    this.#variables = variablesOf(details.variables)
    for (const name of details.variables.keys()) {
      if (name.includes('.')) this.#customSettings.add(name)
    }
  }

  get keys(): PooledClient['keys'] {
    return this.details.keys
  }

  get signature(): string {
    return this.#variables.signature
  }

  get pool(): Pool {
    return this.#pool
  }

  get server(): ServerConnection | undefined {
    return this.#server
  }

  get isWaiting(): boolean {
    return this.#isWaiting
  }

  get preparedStatements(): number {
    return this.#statements.size
  }

  get searchPath(): string {
    return this.#variables.values.get('search_path') ?? ''
  }

  get applicationName(): string {
    return this.#variables.values.get('application_name') ?? ''
  }

  /**
   * Greets the client, with the key for its cancel requests, and serves it until it leaves or is ended.
   * Resolves once its stream is closed. Never rejects.
   */
  async run(cancelKey: CancelKey): Promise<void> {
    this.#cancelKey = cancelKey
    const closed = new Promise<void>((resolve) => {
      this.#stream.once('close', () => resolve())
    })
    this.#stream.on('error', () => undefined)
    this.#stream.once('close', () => this.#leave())
    this.#stream.once('end', () => this.#hangUp())
    if (this.#stream.destroyed) {
      this.#leave()
      return
    }
    const greeting = this.#pool.greetings.get(this.#variables.signature)
    if (greeting) this.#greet(greeting)
    else this.#wait()
    await closed
  }

  /** Ends the session at its next idle moment. */
  drain(): void {
    this.#isDraining = true
    if (!this.#isWaiting && this.isIdle) this.shutDown()
  }

  /** Whether the client has asked nothing that is not answered, and is in no transaction. */
  get isIdle(): boolean {
    const server = this.#server
    if (server === undefined) return !this.#isWaiting
    const isAtEnd = !this.#isBusy && !this.#isUnsynced && this.#passing === 0
    return isAtEnd && server.isSettled && server.status === 'I'
  }

  /** Ends the session now, telling the client. */
  shutDown(): void {
    this.end(
      new ClientError(
        sqlstates.adminShutdown,
        'terminating connection due to administrator command',
      ),
    )
  }

  /** Ends the session with this error, where the client can be told. */
  end(error: unknown): void {
    if (this.#isOver) return
    const tells = this.#server === undefined || this.#server.isAtBoundary
    this.#leave()
    if (tells) this.#stream.end(renderError(error))
    else this.#stream.end()
    this.#stream.resume()
    const timer = setTimeout(() => this.#stream.destroy(), lingerMs)
    this.#stream.once('close', () => clearTimeout(timer))
  }

  /** Ends the session without a word. */
  destroy(): void {
    this.#stream.destroy()
  }

  /** A cancel request with this client's key. */
  cancel(): void {
    if (this.#server) {
      if (!this.#isBusy) this.#server.cancel()
    } else if (this.#isWaiting && this.#toldValues.size > 0) {
      this.end(new ClientError(sqlstates.queryCanceled, 'canceling statement due to user request'))
    }
  }

  /** Ends the session where it has been idle for too long. */
  maintain(): void {
    const { client_idle_timeout, idle_transaction_timeout } = this.#pool.settings
    const idleMs = steadyNow() - this.lastRequestAtMs
    if (client_idle_timeout > 0 && this.isIdle && idleMs > client_idle_timeout * 1000) {
      this.end(new ClientError(sqlstates.adminShutdown, 'client_idle_timeout'))
    } else if (
      idle_transaction_timeout > 0 &&
      idleMs > idle_transaction_timeout * 1000 &&
      this.#isIdleInTransaction
    ) {
      this.end(new ClientError(sqlstates.idleInTransaction, 'idle_transaction_timeout'))
    }
  }

  /** Whether another process serves a request by it: as with a lease, there is no session to keep. */
  get #isRequest(): boolean {
    return this.details.via === 'http'
  }

  get #wanted(): SessionWanted {
    return { variables: this.#variables, isRequest: this.#isRequest }
  }

  get #isIdleInTransaction(): boolean {
    const server = this.#server
    return server?.isSettled === true && server.status !== 'I' && !this.#isBusy
  }

  // A waiter of the pool.

  take(server: ServerConnection): void {
    this.#isWaiting = false
    if (this.#isOver) return this.#pool.release(server)
    this.#server = server
    server.user = this
    this.#startedAt = performance.now()
    if (this.#pool.isAlike(server, this.#wanted)) return this.#begin()
    this.#isMovingIn = true
    this.#work(
      async () => this.#moveIn(server),
      () => this.#begin(),
    )
  }

  fail(error: unknown): void {
    this.#isWaiting = false
    this.end(forClient(error))
  }

  // A user of the server connection.

  receive(bytes: Buffer): void {
    this.#pool.totals.bytesSent += bytes.length
    this.#countSent(bytes)
    const server = this.#server
    if (!this.#stream.write(bytes) && server) {
      server.pause()
      this.#stream.once('drain', () => {
        if (this.#server === server) server.resume()
      })
    }
  }

  settle(status: TransactionStatus): void {
    const { totals, settings } = this.#pool
    const elapsedUs = Math.round((performance.now() - this.#startedAt) * 1000)
    totals.queries++
    totals.queryTimeUs += elapsedUs
    if (status !== 'I') {
      if (settings.pool_mode === 'statement') this.end(noTransactions())
      return
    }
    // Another message has begun, or waits for its Sync.
    if (this.#isUnsynced || this.#passing > 0) return
    totals.transactions++
    totals.transactionTimeUs += elapsedUs
    if (!this.#pool.isQuiet(this.waking)) this.#server?.activity.touch()
    if (settings.pool_mode === 'session') this.#keep()
    else if (this.#isSuspicious && !this.#isRequest) {
      this.#work(
        async () => this.#inspect(),
        () => this.#letGo(),
      )
    } else this.#letGo()
  }

  complete(bytes: Buffer, start: number, end: number): void {
    if (tagForgetsStatements(bytes, start, end)) {
      this.#server?.forgetStatements()
      this.#statements.clear()
      this.#hasUnknownSetting = false
    }
    if (tagDeallocates(bytes, start, end) && this.#server) {
      this.#statements.deallocated(this.#server)
    }
    if (tagChangesDefinitions(bytes, start, end)) this.#pool.statements.forget()
    if (tagChangesFunctions(bytes, start, end)) this.#pool.forgetEffects()
  }

  learn(parameters: string): void {
    this.#told = parameters
    this.#toldValues = new Map(this.#server?.reported())
  }

  translate(body: Buffer): Buffer {
    return this.#statements.translate(body)
  }

  lose(reason: Buffer | undefined): void {
    if (this.#isMovingIn) return
    const server = this.#server
    this.#server = undefined
    if (this.#isOver) return
    // The server has passed on its own last word, if it had one.
    const hasSaidWhy = reason !== undefined && !this.#isBusy
    const tells = !hasSaidWhy && server?.isAtBoundary !== false
    this.#leave()
    if (tells) this.#stream.end(renderError(computeLost()))
    else this.#stream.end()
    const timer = setTimeout(() => this.#stream.destroy(), lingerMs)
    this.#stream.once('close', () => clearTimeout(timer))
  }

  // The client's side.

  #greet(reported: ReadonlyMap<string, string>): void {
    this.#toldValues = reported
    this.#told = canonical(reported)
    const greeting = Buffer.concat([
      authenticationOk(),
      ...[...reported].map(([name, value]) => parameterStatus(name, value)),
      ...(this.#cancelKey ? [backendKeyData(this.#cancelKey)] : []),
      readyForQuery(),
    ])
    this.#stream.write(greeting)
    this.#countSent(greeting)
    this.#stream.on('data', (chunk: Buffer) => this.#onData(chunk))
    this.#stream.resume()
    if (this.#isDraining) this.shutDown()
  }

  /** What an answer over HTTP is made of is counted there, as the answer. */
  #countSent({ length }: Buffer): void {
    if (this.details.via === 'wire') this.#pool.countSent(length)
  }

  #onData(chunk: Buffer): void {
    // What still comes from a client that has left or was told to is read to its end and dropped.
    if (this.#isOver) return
    this.lastRequestAtMs = steadyNow()
    this.#pool.totals.bytesReceived += chunk.length
    if (this.#server && !this.#isBusy) return this.#send(chunk)
    if (isTerminate(chunk) && !this.#isBusy) {
      this.#stream.end()
      return this.#leave()
    }
    this.#held.push(chunk)
    this.#heldBytes += chunk.length
    // Read a little further: only who reads notices that the client has gone.
    if (this.#heldBytes > maxHeldBytes) this.#stream.pause()
    if (!this.#isBusy && !this.#isWaiting) this.#wait()
  }

  #wait(): void {
    this.#isWaiting = true
    this.#pool.acquire(this)
  }

  /** The server connection is the client's now, with its variables. */
  #begin(): void {
    const server = this.#server
    if (server === undefined) return this.#wait()
    if (this.#toldValues.size === 0) {
      this.#remember(server)
      this.#greet(new Map(server.reported()))
      if (!this.#isOver && this.#held.length === 0) this.#settleGreeting()
      return
    }
    if (server.parameters !== this.#told) this.#tell(server)
    this.#sendHeld()
  }

  /** A client that was only greeted needs no connection; a session's is its own from now on. */
  #settleGreeting(): void {
    if (this.#pool.settings.pool_mode !== 'session') this.#letGo()
  }

  #remember(server: ServerConnection): void {
    const { greetings } = this.#pool
    const [oldest] = greetings.keys()
    if (oldest !== undefined && greetings.size >= maxGreetings) greetings.delete(oldest)
    greetings.set(this.#variables.signature, new Map(server.reported()))
  }

  /** The parameters that are other on this server connection than on the client's last. */
  #tell(server: ServerConnection): void {
    const changes = [...server.reported()].filter(
      ([name, value]) => this.#toldValues.get(name) !== value,
    )
    this.#toldValues = new Map(server.reported())
    this.#told = server.parameters
    if (changes.length === 0) return
    this.#stream.write(Buffer.concat(changes.map(([name, value]) => parameterStatus(name, value))))
  }

  #sendHeld(): void {
    const held = this.#held
    this.#held = []
    this.#heldBytes = 0
    for (const chunk of held) {
      if (this.#server && !this.#isBusy) this.#send(chunk)
      else {
        this.#held.push(chunk)
        this.#heldBytes += chunk.length
      }
    }
    if (this.#heldBytes <= maxHeldBytes) this.#stream.resume()
  }

  /** Passes messages on to the server connection. */
  #send(chunk: Buffer): void {
    const server = this.#server
    if (server === undefined) return
    try {
      this.#translateTo(server, chunk)
    } catch (error) {
      this.end(error)
    }
  }

  #translateTo(server: ServerConnection, chunk: Buffer): void {
    const bytes = this.#carry ? Buffer.concat([this.#carry, chunk]) : chunk
    this.#carry = undefined
    const parts: Buffer[] = []
    let from = 0
    let at = Math.min(this.#passing, bytes.length)
    this.#passing -= at
    while (bytes.length - at >= headerBytes) {
      const type = bytes[at] ?? 0
      const end = at + 1 + bytes.readUInt32BE(at + 1)
      if (!known.has(type) || end - at < headerBytes || end - at > maxMessageBytes) {
        return this.end(protocolViolation('invalid message'))
      }
      if (end > bytes.length && bytes.length - at < neededBytes(type, end - at)) break
      if (type === types.terminate) return this.#terminate(server, bytes, from, at, parts)
      const replacement = this.#look(server, type, bytes.subarray(at, Math.min(end, bytes.length)))
      if (replacement !== undefined) {
        if (at > from) parts.push(bytes.subarray(from, at))
        parts.push(...replacement.parts)
        from = at + replacement.replaced
      }
      this.#passing = Math.max(0, end - bytes.length)
      at = Math.min(end, bytes.length)
    }
    if (at < bytes.length) this.#carry = bytes.subarray(at)
    if (at > from) parts.push(from === 0 && at === bytes.length ? bytes : bytes.subarray(from, at))
    this.#forward(server, parts)
  }

  #forward(server: ServerConnection, parts: readonly Buffer[]): void {
    const [first] = parts
    if (first === undefined) return
    if (!this.#isRequest) server.hasServedSession = true
    if (server.write(parts.length === 1 ? first : Buffer.concat(parts))) return
    this.#stream.pause()
    server.onDrain(() => {
      if (!this.#isBusy && this.#held.length === 0) this.#stream.resume()
    })
  }

  #terminate(
    server: ServerConnection,
    bytes: Buffer,
    from: number,
    at: number,
    parts: Buffer[],
  ): void {
    if (at > from) parts.push(bytes.subarray(from, at))
    this.#forward(server, parts)
    this.#stream.end()
    this.#leave()
  }

  /** What goes to the server in place of the message's first bytes; undefined where it goes as it is. */
  #look(server: ServerConnection, type: number, bytes: Buffer): Replacement | undefined {
    switch (type) {
      case types.query:
        server.expectReady(type)
        return this.#lookAtQuery(server, bytes)
      case types.sync:
        server.expectReady(type)
        this.#isUnsynced = false
        return undefined
      case types.functionCall:
        server.expectReady(type)
        this.suspect(unread)
        return undefined
      case types.parse:
        this.#isUnsynced = true
        if (isWhole(bytes)) return this.#statements.parse(server, bytes)
        this.suspect(this.#pool.hintsOfBeginning(bytes.toString('latin1', headerBytes)))
        this.#statements.parseLong(server, bytes)
        return undefined
      case types.bind:
        this.#isUnsynced = true
        return this.#statements.bind(server, bytes)
      case types.describe:
        this.#isUnsynced = true
        return this.#statements.describe(server, bytes)
      case types.close:
        this.#isUnsynced = true
        return this.#statements.close(server, bytes)
      case types.copyDone:
      case types.copyFail:
        server.endCopyIn(this.#isUnsynced)
        return undefined
      default:
        if (type === types.execute || type === types.flush) this.#isUnsynced = true
        return undefined
    }
  }

  #lookAtQuery(server: ServerConnection, bytes: Buffer): Replacement | undefined {
    const text = bytes.toString('latin1', headerBytes, bytes.length - 1)
    // A simple query ends the unnamed statement.
    server.unnamed = undefined
    this.#statements.forgetUnnamed()
    if (!isWhole(bytes)) {
      this.suspect(this.#pool.hintsOfBeginning(text))
      return undefined
    }
    const rewritten = this.rewrite(text)
    if (rewritten !== undefined) {
      return { parts: [message('Q', Buffer.from(`${rewritten}\0`))], replaced: bytes.length }
    }
    this.suspect(this.#pool.hintsOf(text))
    return this.#statements.deallocate(server, bytes, text)
  }

  /** The text for the server, where it is not the client's. */
  rewrite(text: string): string | undefined {
    return rewriteShowPoolMode(text, this.#pool.settings.pool_mode) ?? this.#refusal(text)
  }

  /** A statement that fails, in place of one that this pool does not take. */
  #refusal(text: string): string | undefined {
    const { session_state, pool_mode } = this.#pool.settings
    if (session_state !== 'refuse' || pool_mode === 'session') return undefined
    const refusal = refusalOf(text)
    return refusal && failingStatement(refusal.message)
  }

  suspect(hints: SessionHints | undefined): void {
    // Where there is nothing to end, nothing has changed.
    if (hints === undefined || (hints.onlyEnds === true && this.pins.length === 0)) return
    this.#isSuspicious = true
    for (const name of hints.customSettings) this.#customSettings.add(name)
    if (hints.hasUnknownSetting) this.#hasUnknownSetting = true
    if (hints.isLoad) this.#hasLoaded = true
    if (hints.isUnread) this.#hasUnread = true
  }

  // Statements of ours, between the client's.

  /** Runs something on the server connection while the client waits; ends the session where it fails. */
  #work(task: () => Promise<void>, then: () => void): void {
    this.#isBusy = true
    task().then(
      () => {
        this.#isBusy = false
        if (!this.#isOver) then()
      },
      (error: unknown) => {
        this.#isBusy = false
        this.end(forClient(error))
      },
    )
  }

  /** Gives the server session the client's variables. */
  async #moveIn(server: ServerConnection): Promise<void> {
    try {
      await this.#pool.makeAlike(server, this.#wanted)
    } catch (error) {
      // Nothing of the client's has been sent: another connection will do.
      if (!(error instanceof Disconnected) || this.#isOver) throw error
      this.#server = undefined
    } finally {
      this.#isMovingIn = false
    }
  }

  /** Finds out what the client has left in its session. */
  async #inspect(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    const names = [...this.#customSettings]
    const state = readInspection((await server.run(inspectionQuery(names))) ?? '')
    this.#isSuspicious = false
    // A text has taken away what other clients are believed to have there.
    if (state.preparedByMessages !== server.preparedStatements) this.#hasUnread = true
    server.variables = variablesOf(state.settings)
    this.#variables = variablesOf(new Map([...this.#initial, ...state.settings]))
    this.pins = [
      ...state.pins,
      ...(this.#hasLoaded ? ['LOAD'] : []),
      ...(this.#hasUnknownSetting ? ['set_config with a computed name'] : []),
    ]
    server.activity.setListening(state.pins.some((pin) => pin.startsWith('LISTEN')))
  }

  /** A transaction is over: the connection goes back, unless the session must stay on it. */
  #letGo(): void {
    const server = this.#server
    if (server === undefined) return
    if (this.pins.length > 0) return this.#keep()
    if (this.#isDraining) return this.shutDown()
    this.#server = undefined
    if (this.#isRequest || this.#hasUnread) this.#pool.reset(server)
    else this.#pool.release(server)
    this.#hasUnread = false
    if (this.#held.length > 0) this.#wait()
    else this.#stream.resume()
  }

  /** The connection stays, and the client goes on. */
  #keep(): void {
    if (this.#isDraining) this.shutDown()
    else this.#sendHeld()
  }

  /** The client has closed its side: nothing more comes, so ours is closed as well. */
  #hangUp(): void {
    this.#leave()
    this.#stream.end()
  }

  #leave(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#held = []
    // Read to its end, or its close would never come.
    this.#stream.resume()
    if (this.#isWaiting) this.#pool.leave(this)
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return
    // What is under way on it ends with it.
    if (this.#isBusy || this.#isUnsynced || this.#passing > 0) {
      server.user = undefined
      if (!server.isSettled) server.cancel()
      this.#pool.discard(server)
    } else this.#pool.recycle(server)
  }
}

const maxGreetings = 1_000

/** How much of a message has to be there before any of it goes on. */
function neededBytes(type: number, size: number): number {
  if (type === types.query || type === types.parse) return Math.min(size, maxTextBytes)
  if (type === types.bind) return Math.min(size, maxNamesBytes)
  return type === types.describe || type === types.close || type === types.sync
    ? Math.min(size, maxNamesBytes)
    : headerBytes
}

function isWhole(bytes: Buffer): boolean {
  return bytes.length === bytes.readUInt32BE(1) + 1
}

function isTerminate(chunk: Buffer): boolean {
  return chunk.length === headerBytes && chunk[0] === types.terminate
}

function parameterStatus(name: string, value: string): Buffer {
  return message('S', Buffer.from(`${name}\0${value}\0`))
}

function noTransactions(): ClientError {
  return new ClientError(
    sqlstates.protocolViolation,
    'transaction blocks not allowed in statement pooling mode',
  )
}

/** Nobody knows whether it was carried out, so it is not repeated. */
function computeLost(): ClientError {
  return new ClientError(
    sqlstates.connectionFailure,
    'the connection to the compute was lost; whether the transaction was committed is not known',
  )
}

/** What a client may be told of an error at the compute. */
export function forClient(error: unknown): unknown {
  if (error instanceof ServerError) return new ComputeRefusal(error.sqlstate, fatal(error.body))
  if (error instanceof Disconnected) return computeLost()
  return error
}

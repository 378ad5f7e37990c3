/**
 * A client of this process whose session another one serves: bytes both ways, uncopied, at the pace of
 * the slower side. Message boundaries are followed only to end the session between two queries.
 */
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

import { renderError, shutdownError } from '../errors.ts'
import { closing, sayFarewell } from '../farewell.ts'
import { FrameScanner } from '../wire/frame-scanner.ts'
import { terminate } from '../wire/messages.ts'

/** How long a client may take to read what is left once the session has ended. */
const readOutMs = 60_000

export class Bridge {
  readonly #client: Duplex
  readonly #owner: Socket
  readonly #fromClient: FrameScanner
  readonly #fromOwner: FrameScanner
  /** Queries sent and not yet answered by ReadyForQuery; the greeting ends with one as well. */
  #openQueries = 1
  #status = 'I'
  #isDraining = false
  #isOver = false

  constructor(client: Duplex, owner: Socket) {
    this.#client = client
    this.#owner = owner
    this.#fromClient = new FrameScanner({
      onFrame: (type) => {
        if (type === 'Q' || type === 'S' || type === 'F') this.#openQueries++
        return false
      },
      onBody: () => undefined,
    })
    this.#fromOwner = new FrameScanner({
      onFrame: (type) => type === 'Z',
      onBody: (_type, body) => this.#onReadyForQuery(body),
    })
  }

  /** Resolves once both sides are closed. */
  async run(): Promise<void> {
    const [client, owner] = [this.#client, this.#owner]
    const closed = Promise.all([closing(client), closing(owner)])
    client.once('end', () => owner.end())
    client.once('close', () => owner.destroy())
    owner.once('end', () => this.#onOwnerEnd())
    owner.once('close', () => this.#onOwnerEnd())
    forward(client, owner, this.#fromClient)
    forward(owner, client, this.#fromOwner)
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
    this.#isOver = true
    this.#owner.end(terminate())
    this.#owner.resume()
    sayFarewell(
      this.#client,
      this.#fromOwner.isAtBoundary ? renderError(shutdownError()) : undefined,
    )
  }

  get #isIdle(): boolean {
    const { isAtBoundary, lastType } = this.#fromClient
    const isBetweenQueries = isAtBoundary && ['', 'Q', 'S', 'F'].includes(lastType)
    return this.#openQueries === 0 && this.#status === 'I' && isBetweenQueries
  }

  #onReadyForQuery(body: Buffer): void {
    this.#openQueries = Math.max(0, this.#openQueries - 1)
    this.#status = body.toString('latin1', 0, 1)
    // After this chunk has been passed on, or ReadyForQuery would come after the end.
    if (this.#isDraining && this.#isIdle) setImmediate(() => this.drain())
  }

  /** Its last words, if it had any, have been passed on; a process that was killed had none. */
  #onOwnerEnd(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#owner.end()
    const hasLeft = this.#client.readableEnded || this.#fromClient.lastType === 'X'
    const isKnownWhy = this.#fromOwner.lastType === 'E'
    const tells = !hasLeft && !isKnownWhy && this.#fromOwner.isAtBoundary
    sayFarewell(this.#client, tells ? renderError(shutdownError()) : undefined, readOutMs)
  }
}

/** Copies until `from` ends, never holding more than what `to` has room for. */
function forward(from: Duplex, to: Duplex, scanner: FrameScanner): void {
  to.on('drain', () => from.resume())
  from.on('data', (chunk: Buffer) => {
    scanner.scan(chunk)
    if (to.writable && !to.write(chunk)) from.pause()
  })
  from.resume()
}

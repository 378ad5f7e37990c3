/** Upgrades requests to WebSockets, and sees each through to its session or its refusal. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

import { type WebSocket, WebSocketServer } from 'ws'

import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { AuthenticatedClient } from '../authenticated-session.ts'
import {
  ClientError,
  Disconnected,
  isForClient,
  renderError,
  shutdownError,
  sqlstates,
} from '../errors.ts'
import type { GatewayLimits } from '../limits.ts'
import type { CancelKey } from '../wire/messages.ts'
import { connectionOf, targetOf } from './client-request.ts'
import { openWebSocketSession, type WebSocketLoginContext } from './websocket-login.ts'
import { WebSocketStream } from './websocket-stream.ts'

export interface WebSocketContext extends WebSocketLoginContext {
  /** Serves a client from AuthenticationOk to its end, by which it resolves; its failures are its own. */
  serve(client: AuthenticatedClient): Promise<void>
  /** Cancels what the key stands for, where it stands for anything. */
  cancel(key: CancelKey): Promise<void>
  limits: GatewayLimits
  log: Logger
}

/** A message is held whole before any of it goes on; the driver sends a query as one. */
const maxMessageBytes = 16 * 1024 * 1024
/** How long a client that has been told why may take to close. */
const lingerMs = 2_000

export class WebSockets {
  readonly #context: WebSocketContext
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // Its contexts take hundreds of kilobytes per connection.
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
  })
  readonly #opening = new Set<AbortController>()
  readonly #running = new Map<WebSocketStream, Promise<void>>()

  constructor(context: WebSocketContext) {
    this.#context = context
  }

  /** For the 'upgrade' of a server: any path will do. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => undefined)
    this.#server.handleUpgrade(request, socket, head, (webSocket) =>
      this.#accept(request, webSocket),
    )
  }

  /** Resolves once every session has ended. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values())
  }

  /** Refuses those who have not logged in yet. */
  shutDown(): void {
    for (const controller of this.#opening) controller.abort(shutdownError())
  }

  /** Ends every session without a word. */
  destroy(): void {
    for (const stream of this.#running.keys()) stream.destroy()
  }

  #accept(request: IncomingMessage, webSocket: WebSocket): void {
    const stream = new WebSocketStream(webSocket)
    const life = this.#serve(request, stream).finally(() => {
      this.#running.delete(stream)
    })
    this.#running.set(stream, life)
  }

  async #serve(request: IncomingMessage, stream: WebSocketStream): Promise<void> {
    // An error is followed by a close; whoever waits for the client hears of it.
    stream.on('error', () => undefined)
    try {
      await this.#run(request, stream)
      stream.destroy()
    } catch (error) {
      this.#logFailure(error, request)
      if (error instanceof Disconnected) stream.destroy()
      else await close(stream, renderError(error))
    }
  }

  async #run(request: IncomingMessage, stream: WebSocketStream): Promise<void> {
    const opening = await this.#open(request, stream)
    if (opening.kind === 'client') return this.#context.serve(opening.client)
    // A cancel request has no answer, whether its key is known or not.
    if (opening.key !== undefined) await this.#context.cancel(opening.key)
    return close(stream)
  }

  async #open(request: IncomingMessage, stream: WebSocketStream) {
    const { handshakeTimeoutMs } = this.#context.limits
    const controller = new AbortController()
    const onClose = () => controller.abort(new Disconnected('the client'))
    const timer = setTimeout(() => controller.abort(authenticationTimeout()), handshakeTimeoutMs)
    this.#opening.add(controller)
    stream.once('close', onClose)
    try {
      const addressHost = addressOf(request)
      const client = { ...connectionOf(request), stream, addressHost }
      return await openWebSocketSession(client, this.#context, controller.signal)
    } finally {
      clearTimeout(timer)
      this.#opening.delete(controller)
      stream.off('close', onClose)
    }
  }

  #logFailure(error: unknown, request: IncomingMessage): void {
    const { log } = this.#context
    const { clientAddress } = connectionOf(request)
    const fields = { client_address: clientAddress, error: describeError(error) }
    const isOurs = !isForClient(error) || (error instanceof Error && error.cause !== undefined)
    if (isOurs) log.warn(fields, 'a session over a WebSocket has failed')
    else log.debug(fields, 'a session over a WebSocket was refused')
  }
}

/** The host in `?address=host:port`; empty where there is none. */
function addressOf(request: IncomingMessage): string {
  const address = targetOf(request)?.searchParams.get('address') ?? ''
  return address.replace(/:\d*$/, '')
}

/** Closes in order, with these last words. */
async function close(stream: WebSocketStream, lastWords?: Buffer): Promise<void> {
  if (stream.destroyed) return
  const timer = setTimeout(() => stream.destroy(), lingerMs)
  const closed = new Promise<void>((resolve) => {
    stream.once('close', () => resolve())
  })
  if (lastWords) stream.end(lastWords)
  else stream.end()
  stream.resume()
  await closed
  clearTimeout(timer)
}

function authenticationTimeout(): ClientError {
  return new ClientError(sqlstates.internal, 'Authentication timed out')
}

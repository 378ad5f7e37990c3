/** One listener of HTTPS, for HTTP/2 and HTTP/1.1, that slow and idle clients cannot fill. */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import {
  createSecureServer,
  type Http2SecureServer,
  type SecureServerOptions,
  type ServerHttp2Session,
} from 'node:http2'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

import { errorCode } from '../../lib/errors.ts'
import type { GatewayLimits } from '../limits.ts'
import type { TlsMaterial } from '../tls.ts'
import type { ClientRequest, ClientResponse } from './client-request.ts'

export interface HttpsAddress {
  host: string
  /** 0 for any free one. */
  port: number
  /** A socket that is bound there already, from the process that shares it. */
  handle?: unknown
}

export interface HttpsHandlers {
  onRequest(request: ClientRequest, response: ClientResponse): void
  /** Of HTTP/1.1 only, which is what WebSockets are upgraded from. */
  onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
}

/** Longer than clients and proxies keep an unused connection, so that it is they who close it. */
const idleTimeoutMs = 75_000
/** From the first byte of a request to the last of its body. */
export const requestTimeoutMs = 60_000
const maxHeaderBytes = 16 * 1024
/** Requests at once on one connection of HTTP/2. */
const maxStreams = 100
/** How often requests that are too slow are looked for. */
const checkingIntervalMs = 5_000
/** Notices a client whose machine has gone without a word. */
const keepAliveDelayMs = 60_000
const backlog = 1024

export class HttpsServer {
  readonly #server: Http2SecureServer
  readonly #wanted: HttpsAddress
  readonly #sockets = new Set<Socket>()
  readonly #sessions = new Set<ServerHttp2Session>()

  constructor(
    address: HttpsAddress,
    material: TlsMaterial,
    limits: Pick<GatewayLimits, 'handshakeTimeoutMs' | 'maxConnections'>,
    handlers: HttpsHandlers,
  ) {
    this.#wanted = address
    this.#server = createSecureServer(serverOptions(material, limits))
    this.#server.maxConnections = limits.maxConnections
    // Those of the HTTP/1.1 that it speaks as well; not among its options in Node 20.
    Object.assign(this.#server, {
      headersTimeout: limits.handshakeTimeoutMs,
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: idleTimeoutMs,
      connectionsCheckingInterval: Math.min(checkingIntervalMs, limits.handshakeTimeoutMs),
    })
    this.#server.on('request', (request, response) => handlers.onRequest(request, response))
    this.#server.on('upgrade', (request, socket, head) => handlers.onUpgrade(request, socket, head))
    this.#server.on('session', (session) => this.#watch(session))
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  /** Where it listens, with the port that was free. */
  get address(): HttpsAddress {
    const bound = this.#server.address()
    const port = typeof bound === 'object' && bound !== null ? bound.port : this.#wanted.port
    return { host: this.#wanted.host, port }
  }

  /** Answers false where the address is the IPv6 loopback and this machine has no IPv6. */
  async listen(): Promise<boolean> {
    const { host, port, handle } = this.#wanted
    try {
      if (handle !== undefined) this.#server.listen(handle, backlog)
      // Both families by one listener would take the IPv4 port of a listener beside it.
      else this.#server.listen({ host, port, backlog, ipv6Only: host === '::1' })
      await once(this.#server, 'listening')
    } catch (error) {
      const isMissing = ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(errorCode(error) ?? '')
      if (host === '::1' && isMissing) return false
      throw new Error(`cannot listen on ${host} port ${port}`, { cause: error })
    }
    // Running out of file descriptors is reported per connection; the listener goes on.
    this.#server.on('error', () => undefined)
    return true
  }

  /** Takes this certificate for connections from now on. Throws where the two are no pair. */
  reload(material: TlsMaterial): void {
    this.#server.setSecureContext({ ...material, minVersion: 'TLSv1.2' })
  }

  /** Stops accepting, and closes each connection as soon as no request runs on it. */
  drain(): void {
    this.#server.close()
    for (const session of this.#sessions) session.close()
  }

  /** Closes every connection at once. */
  destroy(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #watch(session: ServerHttp2Session): void {
    let streams = 0
    this.#sessions.add(session)
    session.once('close', () => this.#sessions.delete(session))
    session.on('stream', (stream) => {
      streams++
      stream.once('close', () => streams--)
    })
    // A query may take longer than that without a byte.
    session.setTimeout(idleTimeoutMs, () => {
      if (streams === 0) session.close()
    })
  }
}

function serverOptions(
  material: TlsMaterial,
  { handshakeTimeoutMs }: Pick<GatewayLimits, 'handshakeTimeoutMs'>,
): SecureServerOptions {
  const socketOptions = {
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: keepAliveDelayMs,
    maxHeaderSize: maxHeaderBytes,
  }
  return {
    ...material,
    ...socketOptions,
    minVersion: 'TLSv1.2',
    allowHTTP1: true,
    handshakeTimeout: handshakeTimeoutMs,
    settings: { maxConcurrentStreams: maxStreams, maxHeaderListSize: maxHeaderBytes },
  }
}

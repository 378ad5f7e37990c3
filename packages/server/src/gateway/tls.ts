import type { Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'

import { Disconnected } from './errors.ts'

/** PEM. A pair that was read and checked as one: files may be in the middle of their renewal. */
export interface TlsMaterial {
  /** The server's certificate and those between it and its CA. */
  cert: string
  key: string
}

/** Registered for PostgreSQL; a client that opens with TLS must offer it (manual, "SSL Session Encryption"). */
export const postgresqlProtocol = 'postgresql'

/**
 * Turns accepted connections into TLS ones. The certificate can be changed while it runs: handshakes
 * from then on see the new one.
 */
export class TlsTerminator {
  readonly #server: Server
  readonly #waiting = new Map<string, (secure: TLSSocket) => void>()

  private constructor(server: Server) {
    this.#server = server
    // The server never listens: it is handed connections that have asked for TLS. Its event names
    // no connection of ours, so that the two ends' addresses tell which one it is about.
    server.on('secureConnection', (secure: TLSSocket) => {
      const settle = this.#waiting.get(connectionName(secure))
      if (settle === undefined) secure.destroy()
      else settle(secure)
    })
    // Without a listener Node would leave the connection open. Its close is what `upgrade` sees.
    server.on('tlsClientError', (_error, secure) => secure.destroy())
  }

  static create(material: TlsMaterial, handshakeTimeoutMs: number): TlsTerminator {
    const server = createServer({
      ...material,
      minVersion: 'TLSv1.2',
      ALPNProtocols: [postgresqlProtocol],
      handshakeTimeout: handshakeTimeoutMs,
    })
    return new TlsTerminator(server)
  }

  /** For handshakes from now on. Throws, and keeps the old, where the two are no pair. */
  reload(material: TlsMaterial): void {
    this.#server.setSecureContext({ ...material, minVersion: 'TLSv1.2' })
  }

  /**
   * Answers the secured connection once its handshake is over. Rejects with Disconnected, the
   * connection closed, where it fails or the signal is aborted.
   */
  async upgrade(socket: Socket, signal: AbortSignal): Promise<TLSSocket> {
    const name = connectionName(socket)
    return new Promise<TLSSocket>((resolve, reject) => {
      const settle = (act: () => void) => {
        this.#waiting.delete(name)
        socket.off('close', onClose)
        signal.removeEventListener('abort', onAbort)
        act()
      }
      const onClose = () => settle(() => reject(new Disconnected('the client')))
      const onAbort = () => socket.destroy()
      socket.on('close', onClose)
      signal.addEventListener('abort', onAbort)
      this.#waiting.set(name, (secure) => settle(() => resolve(secure)))
      if (signal.aborted || socket.destroyed) socket.destroy()
      else this.#server.emit('connection', socket)
    })
  }
}

function connectionName(socket: Socket): string {
  const { remoteAddress, remotePort, localAddress, localPort } = socket
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}

import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'

import { Disconnected } from './errors.ts'

export interface TlsFiles {
  /** The server's certificate and those between it and its CA, PEM. */
  certPath: string
  keyPath: string
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

  static async create(files: TlsFiles, handshakeTimeoutMs: number): Promise<TlsTerminator> {
    const server = createServer({
      ...(await readMaterial(files)),
      minVersion: 'TLSv1.2',
      ALPNProtocols: [postgresqlProtocol],
      handshakeTimeout: handshakeTimeoutMs,
    })
    return new TlsTerminator(server)
  }

  /** Reads the files again, for handshakes from now on. Rejects, and keeps the old, where they are no pair. */
  async reload(files: TlsFiles): Promise<void> {
    this.#server.setSecureContext({ ...(await readMaterial(files)), minVersion: 'TLSv1.2' })
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

async function readMaterial(files: TlsFiles): Promise<{ cert: Buffer; key: Buffer }> {
  const [cert, key] = await Promise.all([readFile(files.certPath), readFile(files.keyPath)])
  return { cert, key }
}

function connectionName(socket: Socket): string {
  const { remoteAddress, remotePort, localAddress, localPort } = socket
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}

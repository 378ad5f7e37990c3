import { createServer, type Server, type Socket } from 'node:net'

import { errorCode } from '../lib/errors.ts'

export interface ListenAddress {
  host: string
  /** 0 for any free one. */
  port: number
  /** Whether clients that come here want a pooled session. */
  pooled: boolean
  /** A socket that is bound there already, from the process that shares it. */
  handle?: unknown
}

/** Notices a client whose machine has gone without a word, well within a router's idle timeout. */
const keepAliveDelayMs = 60_000
/** A burst of clients that reconnect at once must not be turned away; the kernel caps it. */
const backlog = 1024

export interface Listener {
  address: ListenAddress
  /** Stops accepting; accepted connections stay. May be called twice. */
  close(): Promise<void>
}

/**
 * Listens for TCP connections. Undefined where the address is the IPv6 loopback and this machine
 * has no IPv6.
 */
export async function listen(
  address: ListenAddress,
  onConnection: (socket: Socket, address: ListenAddress) => void,
): Promise<Listener | undefined> {
  const server = createServer(
    // Half-open: a client may close its side and read on, as `COPY … TO STDOUT` in scripts does.
    {
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveDelayMs,
    },
    (socket) => onConnection(socket, address),
  )
  try {
    const port = await startListening(server, address)
    const { host, pooled } = address
    return { address: { host, port, pooled }, close: async () => stopListening(server) }
  } catch (error) {
    const isMissing = ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(errorCode(error) ?? '')
    if (address.host === '::1' && isMissing) return undefined
    throw new Error(`cannot listen on ${address.host} port ${address.port}`, { cause: error })
  }
}

async function startListening(server: Server, address: ListenAddress): Promise<number> {
  const { host, port, handle } = address
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    const onListening = (): void => {
      server.off('error', reject)
      // Running out of file descriptors is reported per connection; the listener goes on.
      server.on('error', () => undefined)
      const bound = server.address()
      resolve(typeof bound === 'object' && bound !== null ? bound.port : port)
    }
    if (handle !== undefined) server.listen(handle, backlog, onListening)
    // Both families by one listener would take the IPv4 port of a listener beside it.
    else server.listen({ host, port, backlog, ipv6Only: host === '::1' }, onListening)
  })
}

async function stopListening(server: Server): Promise<void> {
  if (!server.listening) return
  // Its callback waits for every accepted connection, which is the caller's to end.
  server.close()
}

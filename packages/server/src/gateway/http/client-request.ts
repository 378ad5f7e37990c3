/** What HTTP/1.1 and HTTP/2 requests have in common, and what their connection tells. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'

import type { RequestedHost } from './connection-string.ts'

export type ClientRequest = IncomingMessage | Http2ServerRequest
export type ClientResponse = ServerResponse | Http2ServerResponse

export interface ClientConnection extends RequestedHost {
  clientAddress: string
  clientPort: number
}

export function connectionOf({ socket, headers }: ClientRequest): ClientConnection {
  // False where the client has sent no name; the types know nothing of it.
  const serverName: unknown = Reflect.get(socket, 'servername')
  const authority = headers[':authority']
  return {
    serverName: typeof serverName === 'string' && serverName !== '' ? serverName : undefined,
    hostHeader: typeof authority === 'string' ? authority : headers.host,
    clientAddress: (socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
    clientPort: socket.remotePort ?? 0,
  }
}

/** Path and query of a request; its target is a path, or a whole URL where a proxy is asked. */
export function targetOf(request: ClientRequest): URL | undefined {
  const base = 'https://host.invalid'
  return URL.canParse(request.url ?? '', base) ? new URL(request.url ?? '', base) : undefined
}

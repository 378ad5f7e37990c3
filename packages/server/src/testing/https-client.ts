import { Agent, request } from 'node:https'
import { text } from 'node:stream/consumers'

export interface HttpsClient {
  /** `fetch` as far as the serverless driver uses it. */
  fetch(url: string | URL, init?: HttpsRequest): Promise<Response>
  close(): void
}

export interface HttpsRequest {
  method?: string
  headers?: Record<string, string>
  body?: string | Buffer
  signal?: AbortSignal
}

/**
 * HTTP/1.1 over TLS that trusts this authority and finds every name on this machine, which the `fetch`
 * of Node cannot be told.
 */
export function createHttpsClient(ca: Buffer): HttpsClient {
  const agent = new Agent({ ca, keepAlive: true, lookup: lookUpHere })
  return {
    fetch: async (url, { method = 'GET', headers = {}, body, signal } = {}) =>
      new Promise((resolve, reject) => {
        const sent = request(url, { method, headers, agent, signal }, (received) => {
          text(received).then((content) => {
            const { statusCode: status = 0, headers: names } = received
            const given = Object.entries(names).map(([name, value]): [string, string] => [
              name,
              String(value),
            ])
            resolve(new Response(content, { status, headers: given }))
          }, reject)
        })
        sent.once('error', reject)
        sent.end(body)
      }),
    close: () => agent.destroy(),
  }
}

/** For sockets of Node and of `ws`: every name is this machine. */
export function lookUpHere(
  _host: string,
  options: { all?: boolean | undefined },
  callback: (
    error: null,
    address: string | { address: string; family: number }[],
    family?: number,
  ) => void,
): void {
  if (options.all === true) callback(null, [{ address: '127.0.0.1', family: 4 }])
  else callback(null, '127.0.0.1', 4)
}

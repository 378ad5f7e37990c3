/**
 * What `@neondatabase/serverless` speaks, for clients that cannot open sockets: `POST /sql` and the
 * protocol over WebSockets, by HTTPS on addresses of its own.
 *
 *   request → sql-handler: connection-string → password-check, read-body → lease → run-sql
 *   upgrade → websocket-server: websocket-login → a session as any other
 *
 * It knows connections to computes only as a `Lender`, and hands WebSockets on once they have logged in.
 */
import { inTime, late } from '../../lib/in-time.ts'
import type { Logger } from '../../lib/log.ts'
import type { Service } from '../../lib/service.ts'
import type { Admission } from '../admission.ts'
import type { MockVerifiers } from '../auth/mock-verifier.ts'
import type { AuthenticatedClient } from '../authenticated-session.ts'
import type { ControlPlane } from '../control-plane.ts'
import type { GatewayLimits } from '../limits.ts'
import type { Lender } from '../pool/lease.ts'
import type { TlsMaterial } from '../tls.ts'
import type { CancelKey } from '../wire/messages.ts'
import { type HttpsAddress, HttpsServer } from './https-server.ts'
import type { FetchKeySet } from './jwks.ts'
import { PasswordCheck } from './password-check.ts'
import { SqlHandler } from './sql-handler.ts'
import { TokenCheck } from './token-check.ts'
import { WebSockets } from './websocket-server.ts'

export interface SqlServerOptions {
  controlPlane: ControlPlane
  lender: Lender
  admission: Admission
  mockVerifiers: MockVerifiers
  tls: TlsMaterial
  /** How the keys of token issuers are fetched, where not by Node. */
  fetchKeySet?: FetchKeySet | undefined
  /** Endpoints are hosts `<id>.<domain>` and `<id>-pooler.<domain>`; `api.<domain>` serves all. */
  domain: string
  listen: readonly HttpsAddress[]
  log: Logger
  limits: GatewayLimits
  /** Serves a client from AuthenticationOk to its end, by which it resolves; its failures are its own. */
  serveWebSocket(client: AuthenticatedClient): Promise<void>
  /** Cancels what the key stands for, where it stands for anything. */
  cancel(key: CancelKey): Promise<void>
}

export interface SqlServer extends Service {
  /** Where it listens, with the ports that were free; empty before `start`. */
  addresses(): HttpsAddress[]
  /** Takes another certificate, for connections from now on. Throws where the two are no pair. */
  reloadCertificates(material: TlsMaterial): void
  /** Stops accepting, so that another can take over; requests and WebSockets go on. */
  stopListening(): void
  /** Resolves when no request runs and no WebSocket is open. */
  idle(): Promise<void>
}

/** What `stop` waits for clients that have been told to close. */
const closeTimeoutMs = 2_000

export function createSqlServer(options: SqlServerOptions): SqlServer {
  const { admission, controlPlane, domain, lender, limits, log, mockVerifiers } = options
  const passwords = new PasswordCheck({ controlPlane, admission, mockVerifiers })
  const tokens = new TokenCheck({ controlPlane, admission, fetchKeySet: options.fetchKeySet })
  const handler = new SqlHandler({
    passwords,
    tokens,
    admission,
    controlPlane,
    lender,
    domain,
    limits,
    log,
  })
  const webSockets = new WebSockets({
    passwords,
    domain,
    limits,
    log,
    serve: async (client) => options.serveWebSocket(client),
    cancel: async (key) => options.cancel(key),
  })
  const servers: HttpsServer[] = []

  function stopListening(): void {
    handler.drain()
    for (const server of servers) server.drain()
  }

  async function idle(): Promise<void> {
    await Promise.all([handler.settled(), webSockets.settled()])
  }

  return {
    stopListening,
    idle,

    addresses: () => servers.map((server) => server.address),

    reloadCertificates: (material) => {
      for (const server of servers) server.reload(material)
    },

    start: async () => {
      for (const address of options.listen) {
        const server = new HttpsServer(address, options.tls, limits, {
          onRequest: (request, response) => handler.handle(request, response),
          onUpgrade: (request, socket, head) => webSockets.upgrade(request, socket, head),
        })
        if (await server.listen()) servers.push(server)
        else log.info({ host: address.host }, 'no IPv6 here: not listening on it')
      }
    },

    stop: async () => {
      stopListening()
      if ((await inTime(idle(), limits.drainGraceMs)) === late) {
        handler.shutDown()
        webSockets.shutDown()
        await inTime(idle(), closeTimeoutMs)
      }
      webSockets.destroy()
      for (const server of servers.splice(0)) server.destroy()
    },
  }
}

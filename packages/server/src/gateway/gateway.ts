/**
 * The Postgres-wire front of the platform: clients reach every endpoint through it, by TLS and with
 * their own passwords, and computes start when somebody comes.
 *
 *   listener → session: negotiate (TLS) → route → login (SCRAM)
 *     → authenticated session: wake → connect-compute → relay, or a pool, here or in a sibling
 *
 * It keeps nothing but what its connections need, and knows the platform only as `ControlPlane`.
 * `wire/` is bytes, `auth/` is SCRAM, neither knows sockets' lives or endpoints; `process/` lets
 * several processes be one gateway.
 */
import type { Socket } from 'node:net'

import { inTime, late } from '../lib/in-time.ts'
import type { Logger } from '../lib/log.ts'
import type { Service } from '../lib/service.ts'
import { createConsoleService } from './admin/console-service.ts'
import { Admission } from './admission.ts'
import { createMockVerifiers } from './auth/mock-verifier.ts'
import { type AuthenticatedClient, AuthenticatedSession } from './authenticated-session.ts'
import { CancelKeys } from './cancel.ts'
import type { ControlPlane } from './control-plane.ts'
import type { HttpsAddress } from './http/https-server.ts'
import type { FetchKeySet } from './http/jwks.ts'
import { createSqlServer, type SqlServer } from './http/sql-server.ts'
import { defaultLimits, type GatewayLimits } from './limits.ts'
import { listen, type ListenAddress, type Listener } from './listener.ts'
import { openPools } from './pool/open-pools.ts'
import type { PoolAdmin } from './pool/report.ts'
import { answerPoolAdmin, combinePoolAdmin, poolAdminQuestion } from './process/pool-admin.ts'
import type { Question, RetireTerms } from './process/protocol.ts'
import { lendFromOwner } from './process/sibling-lender.ts'
import { listenToSiblings, type SiblingSocket } from './process/sibling-socket.ts'
import type { Siblings } from './process/siblings.ts'
import { cancelByKey, Session, type SessionContext } from './session.ts'
import { type TlsMaterial, TlsTerminator } from './tls.ts'

export interface GatewayOptions {
  controlPlane: ControlPlane
  tls: TlsMaterial
  /** Keys what a role that does not exist is asked for: the same in every process, and for ever. */
  secret: string
  /** Endpoints are hosts `<id>.<domain>` and `<id>-pooler.<domain>`. */
  domain: string
  listen: readonly ListenAddress[]
  /** Where SQL over HTTP and WebSockets is served, by HTTPS. */
  listenSql?: readonly HttpsAddress[]
  /** How the keys of token issuers are fetched, where not by Node. */
  fetchKeySet?: FetchKeySet
  /** Coppice's version, for the admin console. */
  version?: string
  log: Logger
  limits?: Partial<GatewayLimits>
  /** Where this is one process of several. */
  siblings?: Siblings
}

export interface Gateway extends Service {
  /** Where it listens, with the ports that were free; empty before `start`. */
  addresses(): ListenAddress[]
  /** Where it serves SQL over HTTP; empty before `start`. */
  sqlAddresses(): HttpsAddress[]
  /** Clients that are connected, logged in or not. */
  readonly sessionCount: number
  /** Takes another certificate, for connections from now on. Throws where the two are no pair. */
  reloadCertificates(material: TlsMaterial): void
  /** Serves a client that has proved its password in another way, until its stream is closed. */
  takeIn(client: AuthenticatedClient): Promise<void>
  /** Answers what another process of the gateway asks, or the daemon. */
  answer(question: Question): Promise<unknown>
  /** The pools of all its processes. */
  readonly poolAdmin: PoolAdmin
  /** Stops accepting at once, so that another can take over; resolves when the last session has ended. */
  retire(terms: RetireTerms): Promise<void>
  /** Stops accepting, for a start of another platform on the same ports; sessions go on. */
  stopListening(): Promise<void>
  /** Resolves when no session is left. */
  idle(): Promise<void>
}

/** Over the limit a client is told so, up to this many; the rest are closed at once. */
const refusalSlots = 100
/** What `stop` waits for clients that have been told to close. */
const closeTimeoutMs = 2_000

export function createGateway(options: GatewayOptions): Gateway {
  const limits = { ...defaultLimits, ...options.limits }
  const { siblings } = options
  const sessions = new Set<Session | AuthenticatedSession>()
  const running = new Set<Promise<void>>()
  const cancelKeys = new CancelKeys(siblings?.number)
  const pools = openPools(options, cancelKeys)
  const poolAdmin = combinedAdmin()
  const console = createConsoleService({
    admin: poolAdmin,
    cancelKeys,
    controlPlane: options.controlPlane,
    version: options.version ?? '',
    log: options.log,
  })
  let listeners: Listener[] = []
  let sqlServer: SqlServer | undefined
  let siblingSocket: SiblingSocket | undefined
  let isAccepting = true
  let context: SessionContext | undefined

  function accept(socket: Socket, pooled: boolean, sessionContext: SessionContext): void {
    // A connection that fails before its session listens must not end the process.
    socket.on('error', () => undefined)
    if (sessions.size >= limits.maxConnections + refusalSlots) {
      socket.destroy()
      return
    }
    const isOneTooMany = sessions.size >= limits.maxConnections
    void follow(new Session(socket, { pooled, isOneTooMany }, sessionContext))
  }

  async function takeIn(client: AuthenticatedClient, isHandedOver: boolean): Promise<void> {
    if (context === undefined || sessions.size >= limits.maxConnections + refusalSlots) {
      client.stream.destroy()
      return
    }
    await follow(new AuthenticatedSession(client, context, isHandedOver))
  }

  async function follow(session: Session | AuthenticatedSession): Promise<void> {
    sessions.add(session)
    const life = session.run().finally(() => {
      sessions.delete(session)
      running.delete(life)
    })
    running.add(life)
    await life
  }

  async function answer({ name, argument }: Question): Promise<unknown> {
    if (name === poolAdminQuestion) {
      return answerPoolAdmin(pools.admin, siblings?.number ?? 0, argument)
    }
    throw new Error(`no process of the gateway answers ${name}`)
  }

  function combinedAdmin(): PoolAdmin {
    if (siblings === undefined) return pools.admin
    return combinePoolAdmin(async (question, timeoutMs) => [
      { number: siblings.number, value: await answer(question) },
      ...(await siblings.askOthers(question, timeoutMs)),
    ])
  }

  function createContext(): SessionContext {
    return {
      controlPlane: options.controlPlane,
      admission: new Admission(limits),
      mockVerifiers: createMockVerifiers(options.secret),
      cancelKeys,
      domain: options.domain,
      log: options.log,
      limits,
      tls: TlsTerminator.create(options.tls, limits.handshakeTimeoutMs),
      siblings,
      pooled: pools.service,
      console,
    }
  }

  function createSql(
    sessionContext: SessionContext,
    listenSql: readonly HttpsAddress[],
  ): SqlServer {
    return createSqlServer({
      ...sessionContext,
      lender: siblings ? lendFromOwner(pools.lender, siblings) : pools.lender,
      tls: options.tls,
      fetchKeySet: options.fetchKeySet,
      listen: listenSql,
      serveWebSocket: async (client) => takeIn(client, false),
      cancel: async (key) => cancelByKey(key, sessionContext),
    })
  }

  async function stopListening(): Promise<void> {
    isAccepting = false
    sqlServer?.stopListening()
    await Promise.all(listeners.map(async (listener) => listener.close()))
    listeners = []
  }

  async function retire({ settleMs, graceMs }: RetireTerms): Promise<void> {
    await stopListening()
    if (settleMs > 0) await inTime(Promise.all(running), settleMs)
    for (const session of sessions) session.drain()
    pools.service.drain()
    if ((await inTime(Promise.all(running), graceMs)) === late) {
      for (const session of sessions) session.shutDown()
      pools.service.shutDown()
      await inTime(Promise.all(running), closeTimeoutMs)
    }
    for (const session of sessions) session.destroy()
    await Promise.all(running)
    await sqlServer?.stop()
    console.stop()
    await pools.close()
    await siblingSocket?.close()
  }

  return {
    addresses: () => listeners.map((listener) => listener.address),

    sqlAddresses: () => sqlServer?.addresses() ?? [],

    get sessionCount() {
      return sessions.size
    },

    reloadCertificates: (material) => {
      context?.tls.reload(material)
      sqlServer?.reloadCertificates(material)
    },

    takeIn: async (client) => takeIn(client, false),

    answer,

    poolAdmin,

    start: async () => {
      const created = createContext()
      context = created
      if (siblings) {
        const services = {
          isAccepting: () => isAccepting,
          takeIn: (client: AuthenticatedClient) => void takeIn(client, true),
          // A key that is from another process after all is nobody's.
          cancel: async (key: Parameters<typeof cancelByKey>[0]) =>
            cancelByKey(key, { cancelKeys, siblings: undefined }),
          answer,
        }
        siblingSocket = await listenToSiblings(siblings.socketPath, services, options.log)
      }
      for (const address of options.listen) {
        const listener = await listen(address, (socket) => accept(socket, address.pooled, created))
        if (listener) listeners.push(listener)
        else options.log.info({ host: address.host }, 'no IPv6 here: not listening on it')
      }
      if (options.listenSql && options.listenSql.length > 0) {
        sqlServer = createSql(created, options.listenSql)
        await sqlServer.start()
      }
    },

    stop: async () => retire({ settleMs: 0, graceMs: limits.drainGraceMs }),

    retire,

    stopListening,

    idle: async () => {
      while (running.size > 0) await Promise.all(running)
      await sqlServer?.idle()
    },
  }
}

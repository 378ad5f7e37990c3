/**
 * The Postgres-wire front of the platform: clients reach every endpoint through it, by TLS and with
 * their own passwords, and computes start when somebody comes.
 *
 *   listener → session: negotiate (TLS) → route → login (SCRAM) → wake → connect-compute → relay
 *
 * It keeps nothing but what its connections need, and knows the platform only as `ControlPlane`.
 * `wire/` is bytes, `auth/` is SCRAM, neither knows sockets' lives or endpoints.
 */
import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'

import type { Logger } from '../lib/log.ts'
import type { Service } from '../lib/service.ts'
import { Admission } from './admission.ts'
import { createMockVerifiers } from './auth/mock-verifier.ts'
import { CancelKeys } from './cancel.ts'
import type { ControlPlane } from './control-plane.ts'
import { defaultLimits, type GatewayLimits } from './limits.ts'
import { listen, type ListenAddress, type Listener } from './listener.ts'
import { Session, type SessionContext } from './session.ts'
import { TlsTerminator, type TlsFiles } from './tls.ts'

export interface GatewayOptions {
  controlPlane: ControlPlane
  tls: TlsFiles
  /** Endpoints are hosts `<id>.<domain>` and `<id>-pooler.<domain>`. */
  domain: string
  listen: readonly ListenAddress[]
  log: Logger
  limits?: Partial<GatewayLimits>
}

export interface Gateway extends Service {
  /** Where it listens, with the ports that were free; empty before `start`. */
  addresses(): ListenAddress[]
  /** Takes the certificate files anew, for connections from now on. */
  reloadCertificates(): Promise<void>
}

/** Over the limit a client is told so, up to this many; the rest are closed at once. */
const refusalSlots = 100
/** What `stop` waits for clients that have been told to close. */
const closeTimeoutMs = 2_000

export function createGateway(options: GatewayOptions): Gateway {
  const limits = { ...defaultLimits, ...options.limits }
  const sessions = new Set<Session>()
  const running = new Set<Promise<void>>()
  let listeners: Listener[] = []
  let tls: TlsTerminator | undefined

  function accept(socket: Socket, pooled: boolean, context: SessionContext): void {
    // A connection that fails before its session listens must not end the process.
    socket.on('error', () => undefined)
    if (sessions.size >= limits.maxConnections + refusalSlots) {
      socket.destroy()
      return
    }
    const isOneTooMany = sessions.size >= limits.maxConnections
    const session = new Session(socket, { pooled, isOneTooMany }, context)
    sessions.add(session)
    const life = session.run().finally(() => {
      sessions.delete(session)
      running.delete(life)
    })
    running.add(life)
  }

  return {
    addresses: () => listeners.map((listener) => listener.address),

    reloadCertificates: async () => tls?.reload(options.tls),

    start: async () => {
      tls = await TlsTerminator.create(options.tls, limits.handshakeTimeoutMs)
      const context: SessionContext = {
        controlPlane: options.controlPlane,
        admission: new Admission(limits),
        // The private key is secret, and the same after a restart.
        mockVerifiers: createMockVerifiers(await readFile(options.tls.keyPath)),
        cancelKeys: new CancelKeys(),
        domain: options.domain,
        log: options.log,
        limits,
        tls,
      }
      for (const address of options.listen) {
        const listener = await listen(address, (socket) => accept(socket, address.pooled, context))
        if (listener) listeners.push(listener)
        else options.log.info({ host: address.host }, 'no IPv6 here: not listening on it')
      }
    },

    stop: async () => {
      await Promise.all(listeners.map(async (listener) => listener.close()))
      listeners = []
      for (const session of sessions) session.drain()
      if (!(await settled(running, limits.drainGraceMs))) {
        for (const session of sessions) session.shutDown()
        await settled(running, closeTimeoutMs)
      }
      for (const session of sessions) session.destroy()
      await Promise.all(running)
    },
  }
}

/** Whether all have ended within the time. */
async function settled(running: ReadonlySet<Promise<void>>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs)
  })
  const all = Promise.all(running).then(() => true)
  return Promise.race([all, timeout]).finally(() => clearTimeout(timer))
}

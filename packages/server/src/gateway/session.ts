/**
 * One client's opening: encryption, start-up, login. What follows is an authenticated session.
 *
 * A compute is woken only for a client that has proved its password, and before AuthenticationOk, so
 * that a wake looks like a slow login. Whatever fails until then is told the client once, here.
 */
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

import { logInAdministrator, wantsAdminLogin } from './admin/admin-login.ts'
import {
  type AuthenticatedContext,
  AuthenticatedSession,
  logFailure,
} from './authenticated-session.ts'
import { processNumberOf } from './cancel.ts'
import { ClientError, Disconnected, renderError, shutdownError, sqlstates } from './errors.ts'
import { closing, sayFarewell } from './farewell.ts'
import { type Login, type LoginContext, logIn } from './login.ts'
import { identify, readOpening, secure } from './negotiate.ts'
import { replicationIsUnpooled } from './replication.ts'
import { resolveRoute, type Route } from './route.ts'
import { readStartup, type Startup } from './startup-parameters.ts'
import type { TlsTerminator } from './tls.ts'
import { type CancelKey, negotiateProtocolVersion } from './wire/messages.ts'

export interface SessionContext extends LoginContext, AuthenticatedContext {
  tls: TlsTerminator
  domain: string
}

export interface SessionOptions {
  /** Whether the client has come by the pooled port. */
  pooled: boolean
  /** Whether there are more clients than the gateway takes; a cancel request is still served. */
  isOneTooMany: boolean
}

export class Session {
  readonly #context: SessionContext
  readonly #options: SessionOptions
  readonly #socket: Socket
  readonly #clientAddress: string
  readonly #abort = new AbortController()
  /** Where the client is spoken to: the connection itself, then TLS on it. */
  #stream: Socket
  #timer: NodeJS.Timeout | undefined
  #authenticated: AuthenticatedSession | undefined
  #endpointId: string | undefined

  constructor(socket: Socket, options: SessionOptions, context: SessionContext) {
    this.#socket = socket
    this.#stream = socket
    this.#options = options
    this.#context = context
    this.#clientAddress = (socket.remoteAddress ?? '').replace(/^::ffff:/, '')
  }

  /** Resolves once the connection is closed. Never rejects. */
  async run(): Promise<void> {
    const closed = closing(this.#socket)
    this.#watch(this.#socket)
    this.#setDeadline()
    try {
      await this.#serve()
    } catch (error) {
      this.#fail(error)
    } finally {
      clearTimeout(this.#timer)
    }
    await closed
  }

  /** Ends the session at its next idle moment; one that has not begun ends now. */
  drain(): void {
    if (this.#authenticated) this.#authenticated.drain()
    else this.#abort.abort(shutdownError())
  }

  /** Ends the session now, telling the client. */
  shutDown(): void {
    if (this.#authenticated) this.#authenticated.shutDown()
    else this.#abort.abort(shutdownError())
  }

  /** Ends the session without a word. */
  destroy(): void {
    this.#stream.destroy()
    this.#socket.destroy()
  }

  async #serve(): Promise<void> {
    const signal = this.#abort.signal
    const secured = await secure(this.#socket, this.#context.tls, signal)
    if (secured.kind === 'cancel_request') return this.#cancel(secured.key)
    const { stream } = secured
    this.#stream = stream
    this.#watch(stream)
    const opening = await readOpening(stream, signal)
    if (opening.kind === 'cancel_request') return this.#cancel(opening.key)
    const startup = readStartup(opening)
    if (startup.unrecognised !== undefined) {
      stream.write(negotiateProtocolVersion(startup.unrecognised))
    }
    if (this.#options.isOneTooMany) throw tooManyClients()
    if (this.#isAdministrator(stream, startup)) return this.#serveAdministrator(stream, startup)
    const login = await this.#logIn(stream, startup)
    clearTimeout(this.#timer)
    await this.#goOn(stream, startup, login)
  }

  async #logIn(stream: TLSSocket, startup: Startup): Promise<Login> {
    const { domain } = this.#context
    const { serverName, channelBinding } = identify(stream)
    const route = resolveRoute({ serverName, options: startup.options, domain })
    this.#endpointId = route.endpointId
    this.#refuseReplication(startup, route)
    const request = {
      route,
      user: startup.user,
      clientAddress: this.#clientAddress,
      channelBinding,
      replication: startup.replication,
    }
    const login = await logIn(stream, request, this.#context, this.#abort.signal)
    this.#endpointId = login.endpointId
    return login
  }

  #isAdministrator(stream: TLSSocket, startup: Startup): boolean {
    if (!this.#options.pooled) return false
    const { serverName } = identify(stream)
    const route = resolveRoute({
      serverName,
      options: startup.options,
      domain: this.#context.domain,
    })
    return wantsAdminLogin({ ...startup, endpointId: route.endpointId })
  }

  /** Of the platform, who sees and steers all pools. */
  async #serveAdministrator(stream: TLSSocket, { user }: Startup): Promise<void> {
    const request = { user, clientAddress: this.#clientAddress }
    await logInAdministrator(stream, request, this.#context, this.#abort.signal)
    clearTimeout(this.#timer)
    await this.#context.console.serve(stream, { canAct: true }, this.#abort.signal)
    stream.resume()
  }

  /** What replicates has a session of its own. */
  #refuseReplication(startup: Startup, { pooled }: Pick<Route, 'pooled'>): void {
    if (startup.replication && (pooled || this.#options.pooled)) throw replicationIsUnpooled()
  }

  async #goOn(stream: TLSSocket, startup: Startup, login: Login): Promise<void> {
    this.#refuseReplication(startup, login)
    const client = {
      stream,
      startup,
      login,
      clientAddress: this.#clientAddress,
      clientPort: this.#socket.remotePort ?? 0,
      pooled: login.pooled || this.#options.pooled,
    }
    this.#authenticated = new AuthenticatedSession(client, this.#context)
    await this.#authenticated.run()
  }

  /** A cancel request has no answer, whether its key is known or not. */
  async #cancel(key: CancelKey | undefined): Promise<void> {
    if (key) await cancelByKey(key, this.#context)
    sayFarewell(this.#stream)
  }

  #fail(error: unknown): void {
    const fields = { endpoint_id: this.#endpointId, client_address: this.#clientAddress }
    logFailure(this.#context.log, fields, error)
    if (error instanceof Disconnected) this.destroy()
    else sayFarewell(this.#stream, renderError(error))
  }

  #setDeadline(): void {
    this.#timer = setTimeout(
      () => this.#abort.abort(authenticationTimeout()),
      this.#context.limits.handshakeTimeoutMs,
    )
  }

  /** An error of a socket is followed by its close; whoever waits for the client hears of it. */
  #watch(stream: Socket): void {
    stream.on('error', () => undefined)
    const onGone = () => this.#abort.abort(new Disconnected('the client'))
    stream.once('close', onGone)
  }
}

/** Cancels what the key's client does, in whichever of the gateway's processes it is served. */
export async function cancelByKey(
  key: CancelKey,
  { cancelKeys, siblings }: Pick<AuthenticatedContext, 'cancelKeys' | 'siblings'>,
): Promise<void> {
  if (siblings && processNumberOf(key) !== siblings.number) await siblings.cancel(key)
  else await cancelKeys.find(key)?.()
}

function authenticationTimeout(): ClientError {
  return new ClientError(sqlstates.internal, 'Authentication timed out')
}

function tooManyClients(): ClientError {
  return new ClientError(
    sqlstates.tooManyConnections,
    'Too many connections to this server. Please try again later.',
  )
}

/**
 * One client's life: encryption, start-up, login, a compute to talk to, and then bytes until one
 * side leaves.
 *
 * A compute is woken only for a client that has proved its password, and before AuthenticationOk, so
 * that a wake looks like a slow login. Whatever fails until then is told the client once, here.
 */
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

import { AppError, describeError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import { abortable } from './abortable.ts'
import { type CancelKeys, sendCancelRequest } from './cancel.ts'
import { type ComputeConnection, connectCompute } from './connect-compute.ts'
import type { ComputeAddress, SessionActivity } from './control-plane.ts'
import {
  ClientError,
  ComputeRefusal,
  Disconnected,
  renderError,
  shutdownError,
  sqlstates,
} from './errors.ts'
import type { GatewayLimits } from './limits.ts'
import { type Login, type LoginContext, logIn } from './login.ts'
import { identify, readOpening, secure } from './negotiate.ts'
import { Relay } from './relay.ts'
import { resolveRoute } from './route.ts'
import { readStartup, type Startup } from './startup-parameters.ts'
import type { TlsTerminator } from './tls.ts'
import {
  authenticationOk,
  backendKeyData,
  type CancelKey,
  negotiateProtocolVersion,
  readyForQuery,
} from './wire/messages.ts'

export interface SessionContext extends LoginContext {
  tls: TlsTerminator
  cancelKeys: CancelKeys
  domain: string
  limits: GatewayLimits
  log: Logger
}

export interface SessionOptions {
  /** Whether the client has come by the pooled port. */
  pooled: boolean
  /** Whether there are more clients than the gateway takes; a cancel request is still served. */
  isOneTooMany: boolean
}

/** How long a client that has been told why may take to close. */
const lingerMs = 2_000

export class Session {
  readonly #context: SessionContext
  readonly #options: SessionOptions
  readonly #socket: Socket
  readonly #clientAddress: string
  readonly #abort = new AbortController()
  /** Where the client is spoken to: the connection itself, then TLS on it. */
  #stream: Socket
  #timer: NodeJS.Timeout | undefined
  #relay: Relay | undefined
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
    const closed = new Promise<void>((resolve) => {
      this.#socket.once('close', () => resolve())
    })
    this.#watch(this.#socket)
    this.#setDeadline(this.#context.limits.handshakeTimeoutMs, authenticationTimeout)
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
    if (this.#relay) this.#relay.drain()
    else this.#abort.abort(shutdownError())
  }

  /** Ends the session now, telling the client. */
  shutDown(): void {
    if (this.#relay) this.#relay.shutDown()
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
    const login = await this.#logIn(stream, startup)
    const leave = this.#context.admission.enterEndpoint(login.endpointId)
    try {
      await this.#serveEndpoint(stream, startup, login)
    } finally {
      leave()
    }
  }

  async #logIn(stream: TLSSocket, startup: Startup): Promise<Login> {
    const { domain } = this.#context
    const { serverName, channelBinding } = identify(stream)
    const route = resolveRoute({ serverName, options: startup.options, domain })
    this.#endpointId = route.endpointId
    const request = {
      route,
      user: startup.user,
      clientAddress: this.#clientAddress,
      channelBinding,
    }
    const login = await logIn(stream, request, this.#context, this.#abort.signal)
    this.#endpointId = login.endpointId
    return login
  }

  async #serveEndpoint(stream: TLSSocket, startup: Startup, login: Login): Promise<void> {
    const { limits, controlPlane } = this.#context
    this.#setDeadline(limits.startTimeoutMs, computeUnreachable)
    const stopWatching = watchForEnd(stream)
    try {
      const address = await this.#wake(login.endpointId)
      const activity = controlPlane.openSession({
        endpointId: login.endpointId,
        role: startup.user,
        database: startup.database,
        applicationName: startup.applicationName,
        clientAddress: this.#clientAddress,
        pooled: login.pooled || this.#options.pooled,
      })
      try {
        const compute = await this.#connect(address, startup, login)
        stopWatching()
        await this.#exchange(stream, compute, activity)
      } finally {
        activity.end()
      }
    } finally {
      stopWatching()
    }
  }

  async #wake(endpointId: string): Promise<ComputeAddress> {
    try {
      return await abortable(this.#context.controlPlane.wake(endpointId), this.#abort.signal)
    } catch (error) {
      throw isForClient(error) ? error : computeUnreachable(error)
    }
  }

  async #connect(
    address: ComputeAddress,
    startup: Startup,
    login: Login,
  ): Promise<ComputeConnection> {
    const wake = async () => this.#wake(login.endpointId)
    try {
      return await connectCompute(
        { address, wake, parameters: startup.forwarded, keys: login.keys },
        this.#abort.signal,
      )
    } catch (error) {
      throw isForClient(error) && !this.#isComputeGone(error) ? error : computeUnreachable(error)
    }
  }

  /** Disconnected from the compute, that is, and not by the client. */
  #isComputeGone(error: unknown): boolean {
    return error instanceof Disconnected && !this.#abort.signal.aborted
  }

  async #exchange(
    stream: TLSSocket,
    compute: ComputeConnection,
    activity: SessionActivity,
  ): Promise<void> {
    clearTimeout(this.#timer)
    const { socketPath, cancelKey, greeting } = compute
    const issued = cancelKey && this.#context.cancelKeys.issue({ socketPath, key: cancelKey })
    try {
      const key = issued ? [backendKeyData(issued.key)] : []
      stream.write(Buffer.concat([authenticationOk(), ...greeting, ...key, readyForQuery()]))
      this.#relay = new Relay({ client: stream, compute: compute.socket, activity })
      await this.#relay.run()
    } finally {
      issued?.release()
      compute.socket.destroy()
    }
  }

  /** A cancel request has no answer, whether its key is known or not. */
  async #cancel(key: CancelKey | undefined): Promise<void> {
    const target = key && this.#context.cancelKeys.find(key)
    if (target !== undefined) await sendCancelRequest(target)
    this.#close()
  }

  #fail(error: unknown): void {
    this.#logFailure(error)
    if (error instanceof Disconnected) this.destroy()
    else this.#close(renderError(error))
  }

  #logFailure(error: unknown): void {
    const { log } = this.#context
    const fields = { endpoint_id: this.#endpointId, client_address: this.#clientAddress }
    const isOurs = !isForClient(error) || (error instanceof Error && error.cause !== undefined)
    if (isOurs) log.warn({ ...fields, error: describeError(error) }, 'a session has failed')
    else log.debug({ ...fields, error: describeError(error) }, 'a session was refused')
  }

  /** Closes in order. Unread data would make the close a reset, which can overtake the last words. */
  #close(lastWords?: Buffer): void {
    if (lastWords) this.#stream.end(lastWords)
    else this.#stream.end()
    this.#stream.resume()
    const timer = setTimeout(() => this.destroy(), lingerMs)
    this.#socket.once('close', () => clearTimeout(timer))
  }

  #setDeadline(timeoutMs: number, reason: () => ClientError): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#abort.abort(reason()), timeoutMs)
  }

  /** An error of a socket is followed by its close; whoever waits for the client hears of it. */
  #watch(stream: Socket): void {
    stream.on('error', () => undefined)
    const onGone = () => this.#abort.abort(new Disconnected('the client'))
    stream.once('close', onGone)
  }
}

/**
 * Notices the end of a stream that nobody reads from: 'end' comes only to those who read. What has
 * arrived stays in its buffer. A client that has closed its side gets the whole connection closed,
 * for it cannot log in any more.
 */
function watchForEnd(stream: Socket): () => void {
  const look = () => stream.read(0)
  const onEnd = () => stream.destroy()
  stream.on('readable', look).once('end', onEnd)
  look()
  return () => stream.off('readable', look).off('end', onEnd)
}

/** Whether the error says what a client may know, or nobody is there to be told. */
function isForClient(error: unknown): boolean {
  return (
    error instanceof ClientError ||
    error instanceof AppError ||
    error instanceof ComputeRefusal ||
    error instanceof Disconnected
  )
}

function authenticationTimeout(): ClientError {
  return new ClientError(sqlstates.internal, 'Authentication timed out')
}

function computeUnreachable(cause: unknown = new Error('it was not ready in time')): ClientError {
  return new ClientError(sqlstates.internal, "Couldn't connect to compute node", { cause })
}

function tooManyClients(): ClientError {
  return new ClientError(
    sqlstates.tooManyConnections,
    'Too many connections to this server. Please try again later.',
  )
}

/**
 * A client whose password has been checked, wherever it came in: a compute to talk to, and then bytes
 * until one side leaves. Whatever fails until then is told the client once, here.
 */
import type { Duplex } from 'node:stream'

import { describeError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import { abortable } from './abortable.ts'
import type { ConsoleService } from './admin/console-service.ts'
import { consoleDatabase } from './admin/visitor.ts'
import type { Admission } from './admission.ts'
import { type CancelKeys, sendCancelRequest } from './cancel.ts'
import { type ComputeConnection, connectCompute } from './connect-compute.ts'
import type { ComputeAddress, ControlPlane, SessionActivity } from './control-plane.ts'
import {
  computeUnreachable,
  Disconnected,
  isForClient,
  renderError,
  shutdownError,
} from './errors.ts'
import { closing, sayFarewell, watchForEnd } from './farewell.ts'
import type { GatewayLimits } from './limits.ts'
import type { Login } from './login.ts'
import { Bridge } from './process/bridge.ts'
import type { Siblings } from './process/siblings.ts'
import { Relay } from './relay.ts'
import type { Startup } from './startup-parameters.ts'
import { authenticationOk, backendKeyData, readyForQuery } from './wire/messages.ts'

export interface AuthenticatedClient {
  /** Where the client is spoken to. It has not been told AuthenticationOk yet. */
  stream: Duplex
  startup: Startup
  login: Login
  clientAddress: string
  clientPort: number
  /** Whether it has come by the pooled port or to a pooled host. */
  pooled: boolean
  /** Set where another process asks for a connection for a request of SQL over HTTP, and answers it. */
  via?: 'http'
}

export interface AuthenticatedContext {
  controlPlane: ControlPlane
  admission: Admission
  cancelKeys: CancelKeys
  limits: GatewayLimits
  log: Logger
  /** The gateway's other processes, where it has any. */
  siblings: Siblings | undefined
  pooled: PooledService
  console: ConsoleService
}

/** Serves the clients of pools. */
export interface PooledService {
  /** Greets the client and serves it until its stream is closed. Rejects before it has said anything. */
  serve(client: AuthenticatedClient): Promise<void>
  /** Ends each session at its next idle moment. */
  drain(): void
  /** Ends all sessions now, telling the clients. */
  shutDown(): void
}

export class AuthenticatedSession {
  readonly #client: AuthenticatedClient
  readonly #context: AuthenticatedContext
  /** Whether another process has sent the client here: it is not sent on. */
  readonly #isHandedOver: boolean
  readonly #stream: Duplex
  readonly #abort = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #relay: Relay | Bridge | undefined
  /** The pooled service ends its sessions itself. */
  #isOfPool = false

  constructor(client: AuthenticatedClient, context: AuthenticatedContext, isHandedOver = false) {
    this.#client = client
    this.#stream = client.stream
    this.#context = context
    this.#isHandedOver = isHandedOver
  }

  /** Resolves once the stream is closed. Never rejects. */
  async run(): Promise<void> {
    const closed = closing(this.#stream)
    this.#stream.on('error', () => undefined)
    const onGone = () => this.#abort.abort(new Disconnected('the client'))
    if (this.#stream.closed) onGone()
    else this.#stream.once('close', onGone)
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
    if (this.#isOfPool) return
    if (this.#relay) this.#relay.drain()
    else this.#abort.abort(shutdownError())
  }

  /** Ends the session now, telling the client. */
  shutDown(): void {
    if (this.#isOfPool) return
    if (this.#relay) this.#relay.shutDown()
    else this.#abort.abort(shutdownError())
  }

  /** Ends the session without a word. */
  destroy(): void {
    this.#stream.destroy()
  }

  async #serve(): Promise<void> {
    const { siblings, pooled } = this.#context
    if (this.#isForConsole) return this.#counted(async () => this.#serveConsole())
    if (this.#client.pooled && siblings && !this.#isHandedOver) {
      if (!siblings.isOwner(this.#client.login.endpointId)) return this.#handOver(siblings)
    }
    if (this.#client.pooled) return this.#serveFromPool(pooled)
    return this.#counted(async () => this.#serveDirectly())
  }

  get #isForConsole(): boolean {
    return this.#client.pooled && this.#client.startup.database === consoleDatabase
  }

  /** A role sees what the pools of its own endpoint do, which wakes nothing. */
  async #serveConsole(): Promise<void> {
    const { endpointId } = this.#client.login
    const visitor = { endpointId, canAct: false }
    await this.#context.console.serve(this.#stream, visitor, this.#abort.signal)
    this.#stream.resume()
  }

  /** The endpoint's pools live in another process: the client stays here, its session is there. */
  async #handOver(siblings: Siblings): Promise<void> {
    const stopWatching = watchForEnd(this.#stream)
    try {
      const owner = await siblings.handOver(this.#client, this.#abort.signal)
      stopWatching()
      this.#relay = new Bridge(this.#stream, owner)
      await this.#relay.run()
    } finally {
      stopWatching()
    }
  }

  async #serveFromPool(pooled: PooledService): Promise<void> {
    await this.#counted(async () => {
      this.#isOfPool = true
      try {
        await pooled.serve(this.#client)
      } finally {
        this.#isOfPool = false
      }
    })
  }

  /** Counts the session among its endpoint's, here: pooled ones all are where their pools are. */
  async #counted(work: () => Promise<void>): Promise<void> {
    const leave = this.#context.admission.enterEndpoint(this.#client.login.endpointId)
    try {
      await work()
    } finally {
      leave()
    }
  }

  async #serveDirectly(): Promise<void> {
    const { login, startup, clientAddress, pooled } = this.#client
    this.#timer = setTimeout(
      () => this.#abort.abort(computeUnreachable()),
      this.#context.limits.startTimeoutMs,
    )
    const stopWatching = watchForEnd(this.#stream)
    try {
      const address = await this.#wake()
      const activity = this.#context.controlPlane.openSession({
        endpointId: login.endpointId,
        role: startup.user,
        database: startup.database,
        applicationName: startup.applicationName,
        clientAddress,
        pooled,
        quiet: startup.quiet,
      })
      try {
        const compute = await this.#connect(address)
        if (compute.cancelKey) activity.setBackend(compute.cancelKey.processId)
        stopWatching()
        await this.#exchange(compute, activity)
      } finally {
        activity.end()
      }
    } finally {
      stopWatching()
    }
  }

  async #wake(): Promise<ComputeAddress> {
    const { login, startup, clientAddress } = this.#client
    const client = {
      role: startup.user,
      database: startup.database,
      applicationName: startup.applicationName,
      clientAddress,
      via: 'direct' as const,
      quiet: startup.quiet,
    }
    try {
      const waking = this.#context.controlPlane.wake(login.endpointId, client)
      return await abortable(waking, this.#abort.signal)
    } catch (error) {
      throw isForClient(error) ? error : computeUnreachable(error)
    }
  }

  async #connect(address: ComputeAddress): Promise<ComputeConnection> {
    const { login, startup } = this.#client
    const wake = async () => this.#wake()
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

  async #exchange(compute: ComputeConnection, activity: SessionActivity): Promise<void> {
    clearTimeout(this.#timer)
    const { socketPath, cancelKey, greeting } = compute
    const issued =
      cancelKey &&
      this.#context.cancelKeys.issue(async () => sendCancelRequest({ socketPath, key: cancelKey }))
    try {
      const key = issued ? [backendKeyData(issued.key)] : []
      const { controlPlane } = this.#context
      const { endpointId } = this.#client.login
      const countSent = (bytes: number): void => controlPlane.countSent(endpointId, bytes)
      const opening = Buffer.concat([authenticationOk(), ...greeting, ...key, readyForQuery()])
      this.#stream.write(opening)
      countSent(opening.length)
      const { replication } = this.#client.startup
      this.#relay = new Relay({
        client: this.#stream,
        compute: compute.socket,
        activity,
        countSent,
        replication,
      })
      await this.#relay.run()
    } finally {
      issued?.release()
      compute.socket.destroy()
    }
  }

  #fail(error: unknown): void {
    const { log } = this.#context
    const { login, clientAddress } = this.#client
    const fields = { endpoint_id: login.endpointId, client_address: clientAddress }
    logFailure(log, fields, error)
    if (error instanceof Disconnected) this.destroy()
    else sayFarewell(this.#stream, renderError(error))
  }
}

/** Refusals are the client's affair; what has gone wrong here is the operator's as well. */
export function logFailure(log: Logger, fields: object, error: unknown): void {
  const isOurs = !isForClient(error) || (error instanceof Error && error.cause !== undefined)
  if (isOurs) log.warn({ ...fields, error: describeError(error) }, 'a session has failed')
  else log.debug({ ...fields, error: describeError(error) }, 'a session was refused')
}

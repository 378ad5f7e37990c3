/**
 * `POST /sql`: the password is checked while the body arrives, a pooled connection is borrowed (which
 * wakes the compute), the queries run, the answer is written.
 */
import { randomUUID } from 'node:crypto'

import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { abortable } from '../abortable.ts'
import type { Admission } from '../admission.ts'
import type { ControlPlane } from '../control-plane.ts'
import { computeUnreachable, Disconnected, isForClient, shutdownError } from '../errors.ts'
import type { GatewayLimits } from '../limits.ts'
import type { Login } from '../login.ts'
import type { Lease, Lender, PoolClientDetails } from '../pool/lease.ts'
import {
  type ClientRequest,
  type ClientResponse,
  connectionOf,
  targetOf,
} from './client-request.ts'
import { parseConnectionString, requireEndpoint, sessionVariables } from './connection-string.ts'
import { QueryError, renderFailure, RequestError } from './failures.ts'
import { requestTimeoutMs } from './https-server.ts'
import type { PasswordCheck } from './password-check.ts'
import { readBody } from './read-body.ts'
import { maxSqlBytes, type RunOptions, runSql } from './run-sql.ts'
import { parseSqlBody, type SqlBody } from './sql-body.ts'
import { batchHeaders, readSqlOptions } from './sql-headers.ts'
import type { TokenCheck } from './token-check.ts'

export interface SqlHandlerContext {
  passwords: PasswordCheck
  tokens: TokenCheck
  admission: Admission
  controlPlane: Pick<ControlPlane, 'countSent'>
  lender: Lender
  domain: string
  limits: GatewayLimits
  log: Logger
}

/** How long a client may take to read an answer, which is held for it until then. */
const responseTimeoutMs = 60_000

const corsHeaders = [
  'Authorization',
  'Neon-Connection-String',
  'Neon-Raw-Text-Output',
  'Neon-Array-Mode',
  'Neon-Pool-Opt-In',
  'Neon-Batch-Read-Only',
  'Neon-Batch-Isolation-Level',
  'Neon-Batch-Deferrable',
  'Coppice-Wake',
].join(', ')

interface Answer {
  status: number
  headers: [name: string, value: string][]
  body: Buffer
}

interface Admitted {
  login: Login
  /** Of a client that has shown a token, sealed. */
  claims: string | undefined
}

interface ReceivedRequest {
  client: PoolClientDetails
  options: RunOptions
  body: SqlBody
}

/** Answers requests, and knows which run. */
export class SqlHandler {
  readonly #context: SqlHandlerContext
  readonly #running = new Map<AbortController, Promise<void>>()
  /** Connections of HTTP/1.1 whose request has no answer yet. */
  readonly #asking = new WeakSet<object>()
  #isDraining = false

  constructor(context: SqlHandlerContext) {
    this.#context = context
  }

  /** Never rejects; for the listener of a server. */
  handle(request: ClientRequest, response: ClientResponse): void {
    if (request.httpVersionMajor === 1) {
      // Pipelined: no client that is in use does so, and it would be a way around every limit.
      if (this.#asking.has(request.socket)) {
        request.socket.destroy()
        return
      }
      this.#asking.add(request.socket)
    }
    const controller = new AbortController()
    const life = this.#answer(request, response, controller).finally(() => {
      this.#running.delete(controller)
    })
    this.#running.set(controller, life)
  }

  /** Resolves once no request runs. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values())
  }

  /** From now on each answer is the last on its connection. */
  drain(): void {
    this.#isDraining = true
  }

  /** Cancels what runs; its clients are told. */
  shutDown(): void {
    for (const controller of this.#running.keys()) controller.abort(shutdownError())
  }

  async #answer(
    request: ClientRequest,
    response: ClientResponse,
    controller: AbortController,
  ): Promise<void> {
    const requestId = randomUUID()
    const closed = new Promise<void>((resolve) => {
      onceClosed(request, response, () => {
        controller.abort(new Disconnected('the client'))
        resolve()
      })
    })
    response.on('error', () => undefined)
    response.setHeader('neon-request-id', requestId)
    response.setHeader('Access-Control-Allow-Origin', '*')
    const answer = await this.#route(request, controller).catch((error: unknown): Answer => {
      this.#logFailure(error, requestId, request)
      const { status, body } = renderFailure(error)
      return { status, headers: [], body: Buffer.from(body) }
    })
    this.#asking.delete(request.socket)
    // HTTP/2 has a message of its own for that.
    const isLast = this.#isDraining && request.httpVersionMajor === 1
    if (isLast) answer.headers.push(['connection', 'close'])
    send(response, answer)
    await closed
  }

  async #route(request: ClientRequest, controller: AbortController): Promise<Answer> {
    if (targetOf(request)?.pathname === '/sql') {
      if (request.method === 'POST') return this.#serve(request, controller)
      if (request.method === 'OPTIONS') return preflight()
    }
    return { status: 400, headers: [], body: Buffer.from('"query is not supported"') }
  }

  async #serve(request: ClientRequest, controller: AbortController): Promise<Answer> {
    const { client, options, body } = await within(
      requestTimeoutMs,
      requestTimedOut,
      controller,
      async () => this.#receive(request, controller.signal),
    )
    const leave = this.#context.admission.enterEndpoint(client.endpointId)
    try {
      const lease = await this.#borrow(client, controller)
      try {
        const json = await runSql(lease, body, options, controller)
        this.#context.controlPlane.countSent(client.endpointId, json.length)
        const headers = body.isBatch ? batchHeaders(options.transaction) : []
        return { status: 200, headers, body: json }
      } finally {
        lease.release()
      }
    } finally {
      leave()
    }
  }

  /** Reads the request and checks its password or token, side by side. */
  async #receive(request: ClientRequest, signal: AbortSignal): Promise<ReceivedRequest> {
    const { passwords, tokens, domain } = this.#context
    const connection = connectionOf(request)
    const token = bearerToken(request)
    const target = parseConnectionString(readConnectionString(request), {
      needsPassword: token === undefined,
    })
    const route = requireEndpoint(target, connection, domain)
    const variables = sessionVariables(target)
    const { quiet: isQuietRequest, ...runOptions } = readSqlOptions(request.headers)
    const quiet = isQuietRequest || target.quiet
    // The token's claims are prepared for in the compute itself.
    if (quiet && token !== undefined) throw needsPassword()
    const { user, password, database } = target
    const { clientAddress } = connection
    const admitted =
      token === undefined
        ? passwords
            .logIn({ ...route, user, password, clientAddress }, signal)
            .then((login): Admitted => ({ login, claims: undefined }))
        : tokens.logIn({ ...route, user, database, token, clientAddress }, signal)
    const reading = readBody(request, { maxBytes: maxSqlBytes, admitted })
    // Who cannot log in is told that, whatever the body is.
    reading.catch(() => undefined)
    const { login, claims } = await admitted
    const { endpointId, keys } = login
    const client: PoolClientDetails = {
      endpointId,
      database,
      role: user,
      keys,
      variables,
      clientAddress,
      quiet,
      via: 'http',
    }
    const options = { ...runOptions, claims }
    const bytes = await abortable(reading, signal)
    return { client, options, body: await parseSqlBody(bytes, signal) }
  }

  async #borrow(client: PoolClientDetails, controller: AbortController): Promise<Lease> {
    const { lender, limits } = this.#context
    try {
      return await within(limits.startTimeoutMs, computeUnreachable, controller, async () =>
        lender.lease(client, controller.signal),
      )
    } catch (error) {
      throw isForClient(error) ? error : computeUnreachable(error)
    }
  }

  #logFailure(error: unknown, requestId: string, request: ClientRequest): void {
    const { log } = this.#context
    const { clientAddress } = connectionOf(request)
    const fields = {
      request_id: requestId,
      client_address: clientAddress,
      // What PostgreSQL says of a query may repeat its data.
      error: error instanceof QueryError ? error.fields.get('C') : describeError(error),
    }
    const isOurs = !isShown(error) || (error instanceof Error && error.cause !== undefined)
    if (isOurs) log.warn(fields, 'a request of SQL over HTTP has failed')
    else log.debug(fields, 'a request of SQL over HTTP was refused')
  }
}

/** What the work gives; the request is aborted where it takes longer. */
async function within<T>(
  timeoutMs: number,
  reason: () => Error,
  controller: AbortController,
  work: () => Promise<T>,
): Promise<T> {
  const timer = setTimeout(() => controller.abort(reason()), timeoutMs)
  return work().finally(() => clearTimeout(timer))
}

/** Calls back when the answer is over, or can reach nobody: one that waits for another to be sent is not told by itself. */
function onceClosed(request: ClientRequest, response: ClientResponse, act: () => void): void {
  const socket = request.httpVersionMajor === 1 ? request.socket : undefined
  const onClose = () => {
    response.off('close', onClose)
    socket?.off('close', onClose)
    act()
  }
  response.on('close', onClose)
  socket?.on('close', onClose)
}

function readConnectionString(request: ClientRequest): string {
  const text = request.headers['neon-connection-string']
  if (typeof text === 'string' && text !== '') return text
  throw new RequestError(400, 'invalid header: neon-connection-string')
}

/** Of the driver's `authToken`. Other schemes are none of ours. */
function bearerToken(request: ClientRequest): string | undefined {
  return /^bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
}

function preflight(): Answer {
  const headers: Answer['headers'] = [
    ['Allow', 'OPTIONS, POST'],
    ['Access-Control-Allow-Headers', corsHeaders],
    ['Access-Control-Max-Age', '86400'],
  ]
  return { status: 200, headers, body: Buffer.alloc(0) }
}

function send(response: ClientResponse, { status, headers, body }: Answer): void {
  if (response.destroyed || response.headersSent) return
  for (const [name, value] of headers) response.setHeader(name, value)
  if (body.length > 0) response.setHeader('content-type', 'application/json')
  response.setHeader('content-length', body.length)
  response.statusCode = status
  const timer = setTimeout(() => response.destroy(), responseTimeoutMs)
  response.once('close', () => clearTimeout(timer))
  response.end(body)
}

/** Whether the error says what a client may know, or nobody is there to be told. */
function isShown(error: unknown): boolean {
  return error instanceof RequestError || error instanceof QueryError || isForClient(error)
}

function needsPassword(): RequestError {
  return new RequestError(
    400,
    'a request that is not to wake the compute needs a password; a token will not do',
  )
}

function requestTimedOut(): RequestError {
  return new RequestError(408, 'the request did not arrive in time: send it anew')
}

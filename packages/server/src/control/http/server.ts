import { randomUUID } from 'node:crypto'
import { availableParallelism } from 'node:os'

import {
  apiBasePath,
  type Route,
  type RouteInput,
  type RouteName,
  type RouteOutput,
  type Routes,
  linesType,
  routes,
} from '@coppice/api'
import swagger from '@fastify/swagger'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify'

import { withCause } from '../../lib/cause.ts'
import { AppError, errorCode } from '../../lib/errors.ts'
import { Shares } from '../../lib/shares.ts'
import { Turns } from '../../lib/turns.ts'
import type { ConsoleAccess, KeyScope } from '../console/access.ts'
import type { ChangeFeed } from '../console/changes.ts'
import type { Exposition } from '../metrics/exposition.ts'
import type { Store } from '../store/store.ts'
import { toAppError } from './app-error.ts'
import { authenticate, type Authenticator, authorize } from './auth.ts'
import { isNavigation, mountConsoleFiles } from './console-files.ts'
import { mountConsoleSession } from './console-routes.ts'
import { mountEvents } from './events-route.ts'
import { addPrometheus, type MetricsAccess } from './prometheus.ts'
import { sendLines } from './send-lines.ts'
import { createSerializerCompiler } from './serialization.ts'
import { sessionCookie } from './session-cookie.ts'
import { createValidatorCompiler } from './validation.ts'

/** What a handler is told besides its input. */
export interface Caller {
  apiKey: KeyScope
  /** Aborted when the client goes away before it has the whole answer. */
  signal: AbortSignal
}

export type Handlers = {
  [K in keyof Routes]: (
    input: RouteInput<Routes[K]>,
    caller: Caller,
  ) => Promise<RouteOutput<Routes[K]>>
}

interface HttpServerOptions {
  store: Store
  handlers: Handlers
  log: FastifyBaseLogger
  version: string
  /** Of `/metrics`, where that is served. */
  metrics?: { exposition: Exposition; access: MetricsAccess }
  console: ConsoleParts
  /** Of the requests that change something. */
  turns?: Turns
}

/** What the web console needs besides the API. */
export interface ConsoleParts {
  access: ConsoleAccess
  changes: ChangeFeed
  /** Tells the cookies of the platforms of one machine apart. */
  platformId: string
}

/** Bodies are settings and names; the largest legitimate one is some kilobytes. */
const bodyLimitBytes = 1024 * 1024
const requestTimeoutMs = 120_000
/**
 * Changes beyond these wait, for less time than clients do: a thousand at once would all be slower than
 * that. What goes on for as long as it is read has limits of its own.
 */
export const changeShares = (max = 16 * availableParallelism()): Shares =>
  new Shares({
    max,
    what: 'changes that this platform makes at once',
    advice: 'try again in a few seconds',
  })
const turnTimeoutMs = 20_000
/** A branch name of 256 characters, percent-encoded. */
const maxParamLength = 3 * 4 * 256

/**
 * The API over HTTP: mounts every route of `@coppice/api` below `/api/v2`, checks the key, the path,
 * the query and the body before a handler runs, and answers errors as Neon does: `{request_id, code, message}`.
 * Beside it stand the web console's files and what it signs in with.
 */
export async function createHttpServer(options: HttpServerOptions): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: options.log,
    logController: new LogController({
      disableRequestLogging: true,
      requestIdLogLabel: 'request_id',
    }),
    bodyLimit: bodyLimitBytes,
    requestTimeout: requestTimeoutMs,
    routerOptions: { maxParamLength },
    genReqId: (request) => requestId(request.headers['x-request-id']),
    // What is wrong before there is a route, such as `%zz` in the URL.
    frameworkErrors: (error, request, reply) => {
      void answerError(error, request, reply)
    },
  })
  acceptEmptyBodies(app)
  boundClosing(app)
  await app.register(swagger, { openapi: openapi(options.version), stripBasePath: true })
  app.setValidatorCompiler(createValidatorCompiler())
  app.setSerializerCompiler(createSerializerCompiler())
  app.decorateRequest('caller')
  app.addHook('onSend', async (request, reply) => {
    reply.header('x-neon-ret-request-id', request.id)
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
  })
  app.setErrorHandler(answerError)
  const turns = options.turns ?? new Turns({ shares: changeShares(), waitMs: turnTimeoutMs })
  const { access, changes, platformId } = options.console
  const cookie = sessionCookie(platformId)
  const authenticator: Authenticator = { store: options.store, access, cookie }
  const consolePage = await mountConsoleFiles(app)
  mountConsoleSession(app, { access, cookie, version: options.version })
  app.setNotFoundHandler((request, reply) => {
    if (consolePage && isNavigation(request)) return consolePage(reply)
    // Neon's clients probe for products that are not there and read this text.
    return reply
      .code(404)
      .send({ request_id: request.id, code: '', message: 'this route does not exist' })
  })
  await app.register(
    async (api) => {
      api.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
      mountEvents(api, changes, async (request) => authenticate(authenticator, request))
      for (const [name, route] of Object.entries(routes)) {
        const handler = options.handlers[name as RouteName] as AnyHandler
        mount(api, name as RouteName, route, { authenticator, turns, handler })
      }
    },
    { prefix: apiBasePath },
  )
  if (options.metrics) addPrometheus(app, { authenticator, ...options.metrics })
  app.get('/healthz', { schema: { hide: true } }, async () => ({ status: 'ok' }))
  return app
}

const openapi = (version: string) => ({
  openapi: '3.1.0',
  info: {
    title: 'Coppice API',
    version,
    description: "Neon's API v2, served by a Coppice platform.",
  },
  servers: [{ url: apiBasePath }],
  components: { securitySchemes: { bearer: { type: 'http' as const, scheme: 'bearer' } } },
  security: [{ bearer: [] }],
})

type Authorized = Pick<Caller, 'apiKey'>

/** Aborted when the connection closes before the answer is whole. */
function leaving({ raw }: FastifyReply): AbortSignal {
  const left = new AbortController()
  const leave = (): void => {
    if (!raw.writableFinished) left.abort(new Error('the client has gone away'))
  }
  raw.once('close', leave)
  if (raw.destroyed) leave()
  return left.signal
}

type AnyHandler = (input: unknown, caller: Caller) => Promise<unknown>

interface Mounted {
  authenticator: Authenticator
  turns: Turns
  handler: AnyHandler
}

function mount(
  app: FastifyInstance,
  name: RouteName,
  route: Route,
  { authenticator, turns, handler }: Mounted,
): void {
  const isChange = route.method !== 'GET' && route.lines !== true
  app.route({
    method: route.method,
    url: route.url,
    schema: {
      operationId: name,
      summary: route.summary,
      tags: [route.tag],
      ...(route.path && { params: route.path }),
      ...(route.query && { querystring: route.query }),
      ...(route.body && { body: route.body }),
      response: {
        [route.status]: route.lines
          ? { content: { [linesType]: { schema: route.response } } }
          : route.response,
        ...(route.absent && { 204: { type: 'null', description: 'It is not there (any more)' } }),
      },
    },
    // Before anything of the request is looked at.
    onRequest: async (request) => {
      const apiKey = await authenticate(authenticator, request)
      authorize(apiKey, name, request.params as { project_id?: string })
      request.setDecorator('caller', { apiKey })
    },
    handler: async (request, reply) => {
      const { params, query, body } = request
      const { apiKey } = request.getDecorator<Authorized>('caller')
      const caller = { apiKey, signal: leaving(reply) }
      try {
        const input = { path: params, query, body }
        const cause = { reason: 'API', detail: name }
        const work = async () => withCause(cause, async () => handler(input, caller))
        const answer = isChange
          ? await inTurn(turns, projectOf(params, apiKey), caller, work)
          : await work()
        if (route.lines) return await sendLines(request, reply, answer as AsyncIterable<unknown>)
        return await reply.code(route.status).send(answer)
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== route.absent) throw error
        return reply.code(204).send()
      }
    },
  })
}

async function inTurn<T>(
  turns: Turns,
  project: string | null,
  { signal }: Caller,
  work: () => Promise<T>,
): Promise<T> {
  return turns.run(project, async () => {
    if (!signal.aborted) return work()
    // It wants nothing any more, and hears nothing of this.
    throw new AppError('too_many_requests', 'the client has gone away before its turn')
  })
}

/** Whose share of the platform a request takes. */
const projectOf = (path: unknown, key: KeyScope): string | null =>
  (path as { project_id?: string }).project_id ?? key.project_id

/**
 * Many a script says `Content-Type: application/json` and sends nothing; axios, and Neon's api-client with it,
 * calls nothing a form. Neon takes both for no body.
 */
function acceptEmptyBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null)
    else void parse(request, String(body), done)
  })
  const form = 'application/x-www-form-urlencoded'
  app.addContentTypeParser(form, { parseAs: 'string' }, (_, body, done) => {
    const refusal = new AppError(
      'invalid_request',
      'send JSON, with Content-Type: application/json',
    )
    done(body === '' ? null : refusal)
  })
}

/** How long requests may go on once the server is told to stop. */
const closeGraceMs = 5_000

/** Node waits for answers without end, and a minute for connections that browsers open in advance. */
function boundClosing(app: FastifyInstance): void {
  app.addHook('preClose', async () => {
    setTimeout(() => app.server.closeAllConnections(), closeGraceMs).unref()
  })
}

/** Statuses that Neon calls safe to retry; its SDK waits as long as this says, in seconds. */
const retryAfter: Readonly<Record<number, string>> = { 423: '1', 429: '5', 503: '1' }

function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  // The reader has gone away before the end: nobody is left to be told, and it is no fault.
  if (errorCode(error) === 'ERR_STREAM_PREMATURE_CLOSE') return reply
  const known = toAppError(error, request)
  const seconds = retryAfter[known.status]
  if (seconds !== undefined) reply.header('retry-after', seconds)
  return reply.code(known.status).send({
    request_id: request.id,
    code: known.code,
    message: known.message,
    ...(known.reason !== undefined && { reason: known.reason }),
  })
}

/** The client's own request id where it sent a plain one, to find the request in both logs. */
function requestId(header: string | string[] | undefined): string {
  return typeof header === 'string' && /^[\w-]{1,64}$/.test(header) ? header : randomUUID()
}

import { randomUUID } from 'node:crypto'

import {
  apiBasePath,
  type Route,
  type RouteInput,
  type RouteOutput,
  type Routes,
  routes,
} from '@coppice/api'
import swagger from '@fastify/swagger'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  LogController,
} from 'fastify'

import { AppError, describeError } from '../../lib/errors.ts'
import type { ApiKeyRow } from '../store/api-keys.ts'
import { type Store, storeError } from '../store/store.ts'
import { authenticate } from './auth.ts'
import { createValidatorCompiler } from './validation.ts'

/** What a handler is told besides its input. */
export interface Caller {
  apiKey: ApiKeyRow
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
}

/** Bodies are settings and names; the largest legitimate one is some kilobytes. */
const bodyLimitBytes = 1024 * 1024
const requestTimeoutMs = 120_000
/** A branch name of 256 characters, percent-encoded. */
const maxParamLength = 3 * 4 * 256

/**
 * The API over HTTP: mounts every route of `@coppice/api` below `/api/v2`, checks the key, the path,
 * the query and the body before a handler runs, and answers errors as Neon does: `{request_id, code, message}`.
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
  })
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Coppice API',
        version: options.version,
        description: "Neon's API v2, served by a Coppice platform.",
      },
      servers: [{ url: apiBasePath }],
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
      security: [{ bearer: [] }],
    },
    stripBasePath: true,
  })
  acceptEmptyForms(app)
  app.setValidatorCompiler(createValidatorCompiler())
  app.decorateRequest('caller')
  app.addHook('onSend', async (request, reply) => {
    reply.header('x-neon-ret-request-id', request.id).header('cache-control', 'no-store')
  })
  app.setErrorHandler((error: unknown, request, reply) => {
    const known = toAppError(error)
    if (known.code === 'internal') {
      request.log.error(
        { url: request.routeOptions.url, error: describeError(error) },
        'request failed',
      )
    }
    return reply
      .code(known.status)
      .send({ request_id: request.id, code: known.code, message: known.message })
  })
  app.setNotFoundHandler((request, reply) =>
    // Neon's clients probe for products that are not there and read this text.
    reply
      .code(404)
      .send({ request_id: request.id, code: '', message: 'this route does not exist' }),
  )
  await app.register(
    async (api) => {
      api.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
      for (const [name, route] of Object.entries(routes)) {
        mount(api, name, route, options.store, options.handlers[name as keyof Routes] as AnyHandler)
      }
    },
    { prefix: apiBasePath },
  )
  app.get('/healthz', { schema: { hide: true } }, async () => ({ status: 'ok' }))
  return app
}

type AnyHandler = (input: unknown, caller: Caller) => Promise<unknown>

function mount(
  app: FastifyInstance,
  name: string,
  route: Route,
  store: Store,
  handler: AnyHandler,
): void {
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
      response: { [route.status]: route.response },
    },
    // Before anything of the request is looked at.
    onRequest: async (request) => {
      request.setDecorator('caller', { apiKey: await authenticate(store, request) })
    },
    handler: async (request, reply) => {
      const { params, query, body } = request
      reply.code(route.status)
      return handler({ path: params, query, body }, request.getDecorator<Caller>('caller'))
    },
  })
}

/** Axios, and Neon's api-client with it, calls the body that it does not send a form. */
function acceptEmptyForms(app: FastifyInstance): void {
  const form = 'application/x-www-form-urlencoded'
  app.addContentTypeParser(form, { parseAs: 'string' }, (_, body, done) => {
    if (body === '') done(null)
    else
      done(
        new AppError(
          'invalid_request',
          'send the body as JSON, with Content-Type: application/json',
        ),
      )
  })
}

/** The client's own request id where it sent a plain one, to find the request in both logs. */
function requestId(header: string | string[] | undefined): string {
  return typeof header === 'string' && /^[\w-]{1,64}$/.test(header) ? header : randomUUID()
}

function toAppError(error: unknown): AppError {
  const known = storeError(error)
  if (known instanceof AppError) return known
  const { validation, statusCode, message } = (known ?? {}) as Partial<FastifyError>
  // Fastify's own refusals: malformed JSON, a body over the limit, a value out of its schema.
  if (validation !== undefined || (statusCode !== undefined && statusCode < 500)) {
    return new AppError('invalid_request', message ?? 'invalid request', { cause: error })
  }
  return new AppError('internal', 'internal error', { cause: error })
}

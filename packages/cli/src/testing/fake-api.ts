import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import { apiBasePath, type ErrorCode, errors, type Route, routes } from '@coppice/api'

import { createHandlers, FakeError } from './fake-handlers.ts'
import { historyHandlers } from './fake-history.ts'
import { maskingHandlers } from './fake-masking.ts'
import type { World } from './fake-world.ts'

export interface RecordedRequest {
  method: string
  /** Below the base path, as it was sent, without the query. */
  path: string
  query: Record<string, string>
  body: unknown
  operation: string
}

export interface FakeApi {
  /** With the base path. */
  url: string
  key: string
  requests: RecordedRequest[]
  /** The next calls are answered with these, first to last, before anything is looked at. */
  failures: Array<{ status: number; code: string; message: string }>
  stop(): Promise<void>
}

/** An API server over a world in memory: the contract's routes on a real socket. */
export async function startFakeApi(world: World): Promise<FakeApi> {
  const key = 'coppice_test_key'
  const requests: RecordedRequest[] = []
  const failures: FakeApi['failures'] = []
  const common = createHandlers(world)
  const createBranch = common['createProjectBranch'] ?? (() => undefined)
  const handlers = {
    ...common,
    ...historyHandlers(world),
    ...maskingHandlers(world, createBranch),
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://fake')
    const path = url.pathname.slice(apiBasePath.length)
    const found = findRoute(request.method ?? 'GET', path)
    const text = await readBody(request)
    const body: unknown = text === '' ? undefined : JSON.parse(text)
    const query = Object.fromEntries(url.searchParams)
    if (!url.pathname.startsWith(apiBasePath) || !found) return notFound(response)
    requests.push({ method: found.route.method, path, query, body, operation: found.name })
    const failure = failures.shift()
    if (failure) return send(response, failure.status, failure)
    if (request.headers.authorization !== `Bearer ${key}`) {
      return sendError(response, 'not_authenticated', 'the API key is not valid')
    }
    refuseUnknownQuery(found.route, query)
    const handler = handlers[found.name]
    if (!handler) return notFound(response)
    try {
      send(response, found.route.status, handler({ path: found.parameters, query, body }))
    } catch (error) {
      if (!(error instanceof FakeError) || error.code !== found.route.absent) throw error
      response.writeHead(204).end()
    }
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (error instanceof FakeError) sendError(response, error.code, error.message)
      else send(response, 500, { code: 'internal', message: String(error), request_id: 'r-1' })
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A server on a TCP port has an address object.
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}${apiBasePath}`,
    key,
    requests,
    failures,
    async stop() {
      if (!server.listening) return
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

interface Found {
  name: string
  route: Route
  parameters: Record<string, string>
}

function findRoute(method: string, path: string): Found | undefined {
  const candidates = Object.entries(routes).flatMap(([name, route]) => {
    if (route.method !== method) return []
    const parameters = matchPath(route.url, path)
    return parameters ? [{ name, route, parameters }] : []
  })
  // `/projects/shared` goes before `/projects/:project_id`.
  return candidates.toSorted(
    (a, b) => Object.keys(a.parameters).length - Object.keys(b.parameters).length,
  )[0]
}

function matchPath(template: string, path: string): Record<string, string> | undefined {
  const [wanted, given] = [template.split('/'), path.split('/')]
  if (wanted.length !== given.length) return undefined
  const parameters: Record<string, string> = {}
  for (const [at, part] of wanted.entries()) {
    const value = given[at] ?? ''
    if (part.startsWith(':')) parameters[part.slice(1)] = decodeURIComponent(value)
    else if (part !== value) return undefined
  }
  return parameters
}

function refuseUnknownQuery(route: Route, query: Record<string, string>): void {
  const known = Object.keys(route.query?.properties ?? {})
  const unknown = Object.keys(query).filter((key) => !known.includes(key))
  if (unknown.length > 0) throw new FakeError('invalid_request', `unknown: ${unknown.join(', ')}`)
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}

function notFound(response: ServerResponse): void {
  sendError(response, 'route_not_found', 'this route does not exist')
}

function sendError(response: ServerResponse, code: ErrorCode, message: string): void {
  send(response, errors[code].status, { code, message, request_id: 'r-1' })
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

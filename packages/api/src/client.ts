import { linesOf, linesType } from './lines.ts'
import type { RouteInput, RouteOutput } from './route.ts'
import type { Routes } from './routes.ts'
import { type Method, methodAndUrl, type RouteName, urls } from './urls.ts'

/** One function a route, named by its operationId. An aborted `signal` calls it off. */
export type Client = {
  [K in keyof Routes]: (
    input: RouteInput<Routes[K]> & { signal?: AbortSignal },
  ) => Promise<RouteOutput<Routes[K]>>
}

/** An error answer of the API: `code` is stable, `message` is for people. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly requestId: string | undefined

  constructor(status: number, body: { code: string; message: string; request_id?: string }) {
    super(body.message)
    this.name = 'ApiError'
    this.status = status
    this.code = body.code
    this.requestId = body.request_id
  }
}

interface ClientOptions {
  /** With the base path, e.g. `http://127.0.0.1:7432/api/v2`. */
  baseUrl: string
  /** Absent in a browser, whose session is in a cookie. */
  apiKey?: string
  /** Sent with every call. */
  headers?: Record<string, string>
  userAgent?: string
  /** Milliseconds until a call is given up. */
  timeoutMs?: number
}

type Values = Record<string, string | number | boolean | undefined>

interface CallInput {
  path?: Values
  query?: Values
  body?: unknown
  signal?: AbortSignal
}

const defaultTimeoutMs = 60_000

/** A typed client of the API. Calls reject with `ApiError` for an error answer, `TypeError` for none. */
export function createClient(options: ClientOptions): Client {
  const calls = Object.keys(urls).map((name) => [
    name,
    (input: CallInput) => call(options, methodAndUrl(name as RouteName), input),
  ])
  // TypeScript cannot build a mapped type key by key; that every route has its URL makes this true.
  return Object.fromEntries(calls) as Client
}

async function call(
  options: ClientOptions,
  route: { method: Method; url: string },
  input: CallInput,
): Promise<unknown> {
  const { signal, answered } = deadline(options.timeoutMs ?? defaultTimeoutMs, input.signal)
  const response = await fetch(buildUrl(options.baseUrl, route.url, input), {
    method: route.method,
    headers: {
      ...options.headers,
      ...(options.apiKey !== undefined && { authorization: `Bearer ${options.apiKey}` }),
      accept: `application/json, ${linesType}`,
      ...(input.body !== undefined && { 'content-type': 'application/json' }),
      ...(options.userAgent !== undefined && { 'user-agent': options.userAgent }),
    },
    ...(input.body !== undefined && { body: JSON.stringify(input.body) }),
    signal,
  })
  if (response.headers.get('content-type')?.startsWith(linesType)) {
    // It goes on for as long as the work does.
    answered()
    return linesOf(response, (failure) => new ApiError(500, failure))
  }
  if (!response.ok) throw await readError(response)
  return response.status === 204 ? undefined : response.json()
}

function deadline(
  timeoutMs: number,
  called: AbortSignal | undefined,
): { signal: AbortSignal; answered: () => void } {
  const late = new AbortController()
  const timer = setTimeout(() => {
    late.abort(new DOMException(`no answer within ${timeoutMs} ms`, 'TimeoutError'))
  }, timeoutMs)
  if (typeof timer === 'object') timer.unref()
  return {
    signal: called ? AbortSignal.any([late.signal, called]) : late.signal,
    answered: () => clearTimeout(timer),
  }
}

async function readError(response: Response): Promise<ApiError> {
  const text = await response.text()
  try {
    return new ApiError(response.status, JSON.parse(text))
  } catch {
    // Not our server's answer, e.g. a proxy's page: the status is all there is to say.
    return new ApiError(response.status, {
      code: 'internal',
      message: `the server answered ${response.status} ${response.statusText}`.trim(),
    })
  }
}

function buildUrl(baseUrl: string, template: string, { path = {}, query = {} }: CallInput): URL {
  const pathname = template.replaceAll(/:(\w+)/g, (_, key: string) => {
    const value = String(path[key])
    // URL parsing drops these even when they are encoded, and the call would go to another route.
    if (/^\.{0,2}$/.test(value)) throw new TypeError(`${key} must not be '${value}'`)
    return encodeURIComponent(value)
  })
  const url = new URL(baseUrl.replace(/\/+$/, '') + pathname)
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(key, String(value))
  }
  return url
}

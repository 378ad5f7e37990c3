/** The header `Neon-Connection-String`: who wants to connect, and where to. */
import { isIP } from 'node:net'

import { ClientError } from '../errors.ts'
import { startupVariables } from '../pool/startup-variables.ts'
import { forwardedOptions, resolveRoute, type Route } from '../route.ts'
import { readsQuiet } from '../wake-option.ts'
import { RequestError } from './failures.ts'

export interface ConnectionRequest {
  user: string
  password: string
  /** A name, an address in brackets or without, or empty. */
  host: string
  database: string
  applicationName: string | undefined
  /** `options` of the query, as in libpq. */
  options: string | undefined
  /** Whether these say that the compute is not to be woken. */
  quiet: boolean
}

/**
 * Throws RequestError in Neon's words. Never repeats the text, which has a password in it, unless the
 * client shows a token instead.
 */
export function parseConnectionString(
  text: string,
  { needsPassword = true } = {},
): ConnectionRequest {
  const url = parseUrl(text)
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') {
    throw refused('incorrect scheme')
  }
  const [, path = ''] = url.pathname.split('/')
  if (path === '') throw refused('missing database name')
  const database = decode(path, 'invalid database name')
  const options = url.searchParams.get('options') ?? undefined
  const user = decode(url.username, 'invalid username')
  if (user === '') throw refused('missing username')
  if (url.password === '' && needsPassword) {
    throw refused('missing authentication credentials: required password')
  }
  return {
    user,
    password: decode(url.password, 'invalid password'),
    host: url.hostname,
    database,
    applicationName: url.searchParams.get('application_name') ?? undefined,
    options,
    quiet: refusing(() => readsQuiet(new Map(options === undefined ? [] : [['options', options]]))),
  }
}

function parseUrl(text: string): URL {
  try {
    return new URL(text)
  } catch {
    // The error of URL repeats its input.
    throw refused('invalid connection string: it must be postgresql://user:password@host/database')
  }
}

function decode(text: string, message: string): string {
  try {
    const decoded = decodeURIComponent(text)
    if (!decoded.includes('\0')) return decoded
  } catch {
    // Malformed percent-encoding, as good as no name.
  }
  throw refused(message)
}

function refused(message: string): RequestError {
  return new RequestError(400, message)
}

/** A route that names its endpoint. */
export type EndpointRoute = Route & { endpointId: string }

/** What the connection itself tells of the host that is meant. */
export interface RequestedHost {
  /** SNI. */
  serverName: string | undefined
  /** The header Host, or `:authority`. */
  hostHeader: string | undefined
}

/**
 * The endpoint that a host and options name together, else the one of the connection. A host of any
 * domain will do: an answer to `fetchEndpoint` or `wsProxy` has brought the client here. Undefined
 * where nothing names one; throws ClientError as `resolveRoute`.
 */
export function resolveHost(
  host: string,
  options: string | undefined,
  { serverName, hostHeader }: RequestedHost,
  domain: string,
): EndpointRoute | undefined {
  const names = [inDomain(host, domain), serverName, withoutPort(hostHeader)]
  for (const name of names) {
    const { endpointId, pooled } = resolveRoute({ serverName: name, options, domain })
    if (endpointId !== undefined) return { endpointId, pooled }
  }
  return undefined
}

/** The name that the host's first label has in our domain; undefined where it can be no endpoint. */
function inDomain(host: string, domain: string): string | undefined {
  const name = host.toLowerCase().replace(/\.$/, '')
  const isNamed = name !== '' && !name.startsWith('[') && isIP(name) === 0
  if (!isNamed || name === domain.toLowerCase()) return undefined
  return `${name.split('.', 1)[0]}.${domain}`
}

function withoutPort(host = ''): string {
  return host.replace(/:\d*$/, '')
}

/** As `resolveHost`; throws RequestError where there is no endpoint, or names that can be none. */
export function requireEndpoint(
  { host, options }: ConnectionRequest,
  requested: RequestedHost,
  domain: string,
): EndpointRoute {
  const route = refusing(() => resolveHost(host, options, requested, domain))
  if (route === undefined) throw refused('missing hostname')
  return route
}

/**
 * The variables that the session is to have, by name. Throws RequestError for options that no shared
 * session can be given.
 */
export function sessionVariables(request: ConnectionRequest): ReadonlyMap<string, string> {
  const options = forwardedOptions(request.options)
  const parameters = new Map<string, string>()
  if (options !== undefined) parameters.set('options', options)
  if (request.applicationName !== undefined) {
    parameters.set('application_name', request.applicationName)
  }
  // JSON is UTF-8.
  parameters.set('client_encoding', 'UTF8')
  return refusing(() => startupVariables(parameters))
}

/** What a client is told on other connections, as the refusal of a request. */
function refusing<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof ClientError) throw refused(error.message)
    throw error
  }
}

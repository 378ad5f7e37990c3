/**
 * Which endpoint a connection is for, from its TLS server name and its startup options, by Neon's
 * rules and in its words, so that what its users have learnt to read means the same here.
 */
import { ClientError, sqlstates } from './errors.ts'
import { wakeOfWord } from './wake-option.ts'

export interface Route {
  /**
   * Undefined where the client has named none: it is asked for in the password then. With `@` and a
   * time or an LSN after it for a moment of a branch's past.
   */
  endpointId: string | undefined
  /** Whether the name had the suffix of a pooled host. */
  pooled: boolean
}

/** First labels that are hosts of other services. */
const reservedLabels = new Set(['api', 'apiauth', 'localhost'])
const poolerSuffix = '-pooler'

/** Throws ClientError where the names disagree or can be no endpoint's. */
export function resolveRoute(request: {
  serverName: string | undefined
  options: string | undefined
  domain: string
}): Route {
  const byName = endpointOfServerName(request.serverName, request.domain)
  const byOption = endpointOfOptions(request.options)
  const route = byOption ?? byName
  if (route?.endpointId === undefined) return { endpointId: undefined, pooled: false }
  if (byName && byOption && byName.endpointId !== byOption.endpointId) {
    throw new ClientError(
      sqlstates.internal,
      `Inconsistent project name inferred from SNI ('${byName.endpointId}') and project option ('${byOption.endpointId}').`,
    )
  }
  return {
    endpointId: route.endpointId + momentOfOptions(request.options),
    pooled: route.pooled || byName?.pooled === true,
  }
}

/**
 * `@` and the moment of the past that is asked for, empty where none is. Neon's clients put the id of a
 * branch in the place of an endpoint's then.
 */
function momentOfOptions(options: string | undefined): string {
  const [moment] = splitOptions(options).flatMap(
    (word) => /^neon_(?:timestamp|lsn)[:=](.+)$/s.exec(word)?.[1] ?? [],
  )
  return moment === undefined ? '' : `@${moment}`
}

function endpointOfServerName(name: string | undefined, domain: string): Route | undefined {
  const [label = '', ...rest] = name?.toLowerCase().split('.') ?? []
  const isOurs = rest.join('.') === domain.toLowerCase() && !reservedLabels.has(label)
  return isOurs ? parseEndpointName(label) : undefined
}

function endpointOfOptions(options: string | undefined): Route | undefined {
  const names = splitOptions(options).flatMap((word) => endpointOfWord(word) ?? [])
  const [name] = names
  // Two of them say nothing certain.
  return name === undefined || names.length > 1 ? undefined : parseEndpointName(name)
}

/** The id in `endpoint=<id>` or `project=<id>`, its older name; undefined for other words. */
function endpointOfWord(word: string): string | undefined {
  return /^(?:endpoint|project)=(.*)$/s.exec(word)?.[1]
}

/** An endpoint's name as a client gives it. Throws ClientError for characters that no id has. */
function parseEndpointName(name: string): Route {
  if (!/^[a-z0-9-]+$/i.test(name)) {
    throw new ClientError(
      sqlstates.internal,
      `Project name ('${name}') must contain only alphanumeric characters and hyphen.`,
    )
  }
  const id = name.toLowerCase()
  const pooled = id.endsWith(poolerSuffix)
  return { endpointId: pooled ? id.slice(0, -poolerSuffix.length) : id, pooled }
}

/** Our own words: those that name an endpoint or are about waking, and `neon_…:…`, which no PostgreSQL knows. */
function isOurWord(word: string): boolean {
  return (
    endpointOfWord(word) !== undefined ||
    wakeOfWord(word) !== undefined ||
    /^neon_\w+[:=]/.test(word)
  )
}

/** `options` for the compute: without the words that are meant for a gateway, undefined when empty. */
export function forwardedOptions(options: string | undefined): string | undefined {
  const words = splitOptions(options)
  const kept = words.filter((word, at) => {
    // `-c endpoint=x` names an endpoint as well; its `-c` must not take the next word instead.
    const next = words[at + 1]
    return !isOurWord(word) && !(word === '-c' && next !== undefined && isOurWord(next))
  })
  return kept.length > 0 ? kept.join(' ') : undefined
}

/** Words between white space that no backslash escapes, left escaped (PostgreSQL: `pg_split_opts`). */
function splitOptions(options = ''): string[] {
  return options.match(/(?:\\[^]|[^\s\\])+/g) ?? []
}

/**
 * The password form, for clients without server names and options: `endpoint=<id>;<password>`, or
 * with `$`. Throws ClientError where the password has no such beginning.
 */
export function parsePasswordForm(text: string): { route: Route; password: string } {
  const [, word, password] = /^([^;$]*)[;$](.*)$/s.exec(text) ?? []
  const name = word === undefined ? undefined : endpointOfWord(word)
  if (!name || password === undefined) throw missingEndpoint()
  return { route: parseEndpointName(name), password }
}

function missingEndpoint(): ClientError {
  return new ClientError(
    sqlstates.internal,
    'Endpoint ID is not specified. Either please upgrade the postgres client library (libpq) for SNI support or pass the endpoint ID (first part of the domain name) as a parameter: ' +
      "'?options=endpoint%3D<endpoint-id>'. See more at https://neon.tech/sni",
  )
}

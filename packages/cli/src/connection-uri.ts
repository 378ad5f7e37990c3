/**
 * Connection strings (PostgreSQL manual, 34.1.1.2). They are taken apart as text, not by `URL`: that
 * would write a space as `+`, which libpq does not read as one.
 */
export interface ConnectionParts {
  host: string
  port: string | undefined
  role: string
  password: string
  database: string
  /** By name, decoded. */
  parameters: ReadonlyMap<string, string>
}

const shape =
  /^(postgres(?:ql)?:\/\/)(?:([^:@/?]*)(?::([^@/?]*))?@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/

/** Takes a connection string apart; throws where it is none. */
export function parseConnectionUri(uri: string): ConnectionParts {
  const match = shape.exec(uri)
  if (!match) throw new Error('the server answered something that is not a connection string')
  const [, , role = '', password = '', address = '', database = '', query = ''] = match
  const [, host = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(address) ?? []
  return {
    host: host.replace(/^\[(.*)\]$/, '$1'),
    port,
    role: decodeURIComponent(role),
    password: decodeURIComponent(password),
    database: decodeURIComponent(database),
    parameters: new Map(splitQuery(query).map(([key, value]) => [key, decodeURIComponent(value)])),
  }
}

/** Sets parameters, or takes away those set to undefined; all others stay letter by letter. */
export function changeParameters(
  uri: string,
  changes: Readonly<Record<string, string | undefined>>,
): string {
  const start = uri.indexOf('?')
  const base = start < 0 ? uri : uri.slice(0, start)
  const merged = new Map(splitQuery(start < 0 ? '' : uri.slice(start + 1)))
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) merged.delete(key)
    else merged.set(key, encodeURIComponent(value))
  }
  const query = [...merged].map(([key, value]) => `${encodeURIComponent(key)}=${value}`)
  return query.length === 0 ? base : `${base}?${query.join('&')}`
}

interface Place {
  id: string
  branch_id: string
}

interface Then {
  timestamp?: string
  lsn?: string
}

/**
 * The same connection into the past of the endpoint's branch, as Neon's CLI writes it: the branch takes
 * the endpoint's place, in the host name or in `options`, and `options` says when.
 */
export function travelTo(uri: string, { id, branch_id: branchId }: Place, then: Then): string {
  // Percent signs keep every other `@` and `/` out of what stands before the query.
  const [, before = '', host = '', after = ''] =
    /^([^?]*@|[^?@]*\/\/)([^/?]*)(.*)$/s.exec(uri) ?? []
  const elsewhere = before + host.replace(id, branchId) + after
  const options = parseConnectionUri(uri).parameters.get('options')?.replace(id, branchId)
  const word = then.lsn === undefined ? `neon_timestamp:${then.timestamp}` : `neon_lsn:${then.lsn}`
  return changeParameters(elsewhere, {
    options: options === undefined ? word : `${options} ${word}`,
  })
}

/** The names of the parameters of a connection string. */
export function parameterNames(uri: string): string[] {
  return [...parseConnectionUri(uri).parameters.keys()]
}

/** What stands between `?` and the end. */
export function queryOf(uri: string): string {
  const start = uri.indexOf('?')
  return start < 0 ? '' : uri.slice(start + 1)
}

/** Decoded names with their values as they stand. */
function splitQuery(query: string): Array<[string, string]> {
  const pairs = query.split('&').filter((pair) => pair !== '')
  return pairs.map((pair) => {
    const end = pair.indexOf('=')
    return end < 0
      ? [decodeURIComponent(pair), '']
      : [decodeURIComponent(pair.slice(0, end)), pair.slice(end + 1)]
  })
}

/** The body of a request: one query, or several that run in one transaction. */
import { arrayLiteral } from '../../lib/array-literal.ts'
import { mapInSlices } from '../../lib/map-in-slices.ts'
import { hasInexactInteger } from './exact-json.ts'
import { RequestError } from './failures.ts'

export interface SqlBody {
  isBatch: boolean
  queries: SqlQuery[]
}

export interface SqlQuery {
  text: string
  /** As texts, by position; null is NULL. */
  parameters: (string | null)[]
  /** Whether rows are arrays; undefined leaves it to the request's header. */
  arrayMode: boolean | undefined
}

/** The count in a Bind message has 16 bits. */
const maxParameters = 65_535

/** Rejects with RequestError that says what is wrong. */
export async function parseSqlBody(bytes: Buffer, signal?: AbortSignal): Promise<SqlBody> {
  const text = bytes.toString()
  const body = parseJson(text)
  if (hasInexactInteger(text)) {
    throw refused('a number of the request is too large to be exact: send it as a string')
  }
  if (!isObject(body)) throw malformed()
  if (!('queries' in body)) return { isBatch: false, queries: [readQuery(body)] }
  if (!Array.isArray(body['queries'])) throw malformed()
  return { isBatch: true, queries: await mapInSlices(body['queries'], readQuery, signal) }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw refused(error instanceof Error ? error.message : 'invalid JSON')
  }
}

function readQuery(value: unknown): SqlQuery {
  if (!isObject(value)) throw malformed()
  const { query, params = [], arrayMode } = value
  if (typeof query !== 'string' || !Array.isArray(params)) throw malformed()
  if (params.length > maxParameters) {
    throw refused(`a query takes at most ${maxParameters} parameters, not ${params.length}`)
  }
  requireText(query)
  if (isCopy(query)) {
    throw new RequestError(
      400,
      'COPY is not possible in SQL over HTTP: use a WebSocket or an ordinary connection',
      '0A000',
    )
  }
  return {
    text: query,
    parameters: params.map(parameterText),
    arrayMode: typeof arrayMode === 'boolean' ? arrayMode : undefined,
  }
}

/** Text of a parameter; PostgreSQL reads it by the type it infers. */
function parameterText(value: unknown): string | null {
  if (value === null) return null
  if (Array.isArray(value)) return requireText(arrayLiteral(value))
  return requireText(typeof value === 'string' ? value : JSON.stringify(value))
}

/** PostgreSQL's own words; the protocol itself has no place for such a text. */
function requireText(text: string): string {
  if (!text.includes('\0')) return text
  throw new RequestError(400, 'invalid byte sequence for encoding "UTF8": 0x00', '22021')
}

/**
 * Whether the statement is COPY, which stands first where it stands at all: what it wants to exchange
 * has no place in a request. Comments nest (manual, "Lexical Structure").
 */
export function isCopy(query: string): boolean {
  let at = 0
  for (;;) {
    while (' \t\n\r\f\v;'.includes(query[at] ?? 'x')) at++
    if (query.startsWith('--', at)) at = endOfLine(query, at)
    else if (query.startsWith('/*', at)) at = endOfComment(query, at)
    else return /^copy(?![\w$\u0080-\uffff])/i.test(query.slice(at, at + 5))
  }
}

function endOfLine(query: string, start: number): number {
  let at = start
  while (at < query.length && query[at] !== '\n' && query[at] !== '\r') at++
  return at
}

function endOfComment(query: string, start: number): number {
  let depth = 0
  let at = start
  while (at < query.length) {
    if (query.startsWith('/*', at)) depth++
    else if (query.startsWith('*/', at)) depth--
    else {
      at++
      continue
    }
    at += 2
    if (depth === 0) break
  }
  return at
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function malformed(): RequestError {
  return refused(
    'the request body must be {"query": "…", "params": […]} or {"queries": [{"query": "…", "params": […]}, …]}',
  )
}

function refused(message: string): RequestError {
  return new RequestError(400, message)
}

/** What a request of SQL over HTTP is told when it fails: Neon's statuses, and bodies that always have every field. */
import { AppError } from '../../lib/errors.ts'
import { ClientError, ComputeRefusal, Disconnected, sqlstates } from '../errors.ts'
import { parseErrorFields } from '../wire/error-response.ts'
import { headerBytes } from '../wire/messages.ts'

/** The request itself cannot be served. The message is shown. */
export class RequestError extends Error {
  readonly status: number
  /** Empty for errors that are not PostgreSQL's, as in Neon. */
  readonly sqlstate: string

  constructor(status: number, message: string, sqlstate = '') {
    super(message)
    this.name = 'RequestError'
    this.status = status
    this.sqlstate = sqlstate
  }
}

/** PostgreSQL has refused a query: the fields of its ErrorResponse. */
export class QueryError extends Error {
  readonly fields: ReadonlyMap<string, string>

  constructor(fields: ReadonlyMap<string, string>) {
    super(fields.get('M') ?? '')
    this.name = 'QueryError'
    this.fields = fields
  }
}

export interface Failure {
  status: number
  /** JSON. */
  body: string
}

/** The body's names after message and code, and the protocol's for the same (manual, "Error and Notice Message Fields"). */
const fieldTypes = [
  ['detail', 'D'],
  ['hint', 'H'],
  ['position', 'P'],
  ['internalPosition', 'p'],
  ['internalQuery', 'q'],
  ['severity', 'S'],
  ['where', 'W'],
  ['table', 't'],
  ['column', 'c'],
  ['schema', 's'],
  ['dataType', 'd'],
  ['constraint', 'n'],
  ['file', 'F'],
  ['line', 'L'],
  ['routine', 'R'],
] as const

/**
 * The answer for whatever was thrown. The driver takes 400 alone for an error of SQL, and hands on
 * its fields; anything else it shows as the server's failure.
 */
export function renderFailure(error: unknown): Failure {
  if (error instanceof QueryError) return { status: 400, body: bodyOf(error.fields) }
  if (error instanceof ComputeRefusal) {
    return { status: 400, body: bodyOf(parseErrorFields(error.response.subarray(headerBytes))) }
  }
  if (error instanceof RequestError) {
    return { status: error.status, body: ownBody(error.message, error.sqlstate) }
  }
  if (error instanceof AppError) {
    return { status: error.status < 500 ? 400 : 500, body: ownBody(error.message, error.sqlstate) }
  }
  if (error instanceof ClientError) {
    return { status: statusOf(error.sqlstate), body: ownBody(error.message, codeOf(error)) }
  }
  if (error instanceof Disconnected) {
    // The statement may have been carried out: whoever asks by SQLSTATE has to know.
    const text = 'server closed the connection unexpectedly'
    return { status: 400, body: ownBody(text, sqlstates.connectionFailure) }
  }
  return { status: 500, body: ownBody('internal error', sqlstates.internal) }
}

/** Of who is refused Neon gives none. */
function codeOf({ sqlstate }: ClientError): string {
  const isRefused =
    sqlstate === sqlstates.invalidPassword || sqlstate === sqlstates.invalidAuthorization
  return isRefused ? '' : sqlstate
}

function statusOf(sqlstate: string): number {
  switch (sqlstate) {
    case sqlstates.invalidPassword:
    case sqlstates.invalidAuthorization:
    case sqlstates.notSupported:
    case sqlstates.limitExceeded:
      return 400
    case sqlstates.tooManyConnections:
      return 429
    case sqlstates.adminShutdown:
      return 503
    default:
      return 500
  }
}

function ownBody(message: string, sqlstate: string): string {
  const fields = new Map([
    ['M', message],
    ['C', sqlstate],
    ['S', sqlstate === '' ? '' : 'ERROR'],
  ])
  return bodyOf(fields)
}

function bodyOf(fields: ReadonlyMap<string, string>): string {
  return JSON.stringify({
    message: fields.get('M') ?? '',
    code: fields.get('C') ?? '',
    ...Object.fromEntries(fieldTypes.map(([name, type]) => [name, fields.get(type) ?? null])),
  })
}

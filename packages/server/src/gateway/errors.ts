import { AppError } from '../lib/errors.ts'
import { errorResponse } from './wire/error-response.ts'

/** SQLSTATEs that the gateway itself answers with (PostgreSQL manual, appendix A). */
export const sqlstates = {
  connectionFailure: '08006',
  protocolViolation: '08P01',
  invalidParameterValue: '22023',
  notSupported: '0A000',
  idleInTransaction: '25P03',
  invalidAuthorization: '28000',
  invalidPassword: '28P01',
  tooManyConnections: '53300',
  limitExceeded: '54000',
  queryCanceled: '57014',
  adminShutdown: '57P01',
  cannotConnectNow: '57P03',
  internal: 'XX000',
} as const

/**
 * What a client is told before its connection is closed. The message is safe to show; a cause is
 * what the operator should know as well, and is logged.
 */
export class ClientError extends Error {
  readonly sqlstate: string

  constructor(sqlstate: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ClientError'
    this.sqlstate = sqlstate
  }
}

/** The compute has refused a login; its ErrorResponse goes to the client byte for byte. */
export class ComputeRefusal extends Error {
  readonly sqlstate: string
  readonly response: Buffer

  constructor(sqlstate: string, response: Buffer) {
    super(`the compute refused the connection with SQLSTATE ${sqlstate}`)
    this.name = 'ComputeRefusal'
    this.sqlstate = sqlstate
    this.response = response
  }
}

/** The other side is gone, so there is nobody left to tell. */
export class Disconnected extends Error {
  constructor(who: string) {
    super(`${who} has disconnected`)
    this.name = 'Disconnected'
  }
}

export function protocolViolation(message: string): ClientError {
  return new ClientError(sqlstates.protocolViolation, message)
}

export function passwordFailure(user: string): ClientError {
  return new ClientError(
    sqlstates.invalidPassword,
    `password authentication failed for user '${user}'`,
  )
}

/** In Neon's words, and then ours. */
export function quotaExceeded(because: string): AppError {
  const message =
    'Control plane request failed: endpoint is temporarily unavailable. ' +
    'Check your quotas and/or contact our support.'
  return new AppError('quota_exceeded', `${message} (${because})`)
}

export function shutdownError(): ClientError {
  return new ClientError(
    sqlstates.adminShutdown,
    'terminating connection due to administrator command',
  )
}

/** The ErrorResponse for whatever was thrown: details only of errors that are meant to be shown. */
export function renderError(error: unknown): Buffer {
  if (error instanceof ComputeRefusal) return error.response
  if (error instanceof ClientError || error instanceof AppError) {
    return errorResponse(error.sqlstate, error.message)
  }
  return errorResponse(sqlstates.internal, 'internal error')
}

/** Whether the error says what a client may know, or nobody is there to be told. */
export function isForClient(error: unknown): boolean {
  return (
    error instanceof ClientError ||
    error instanceof AppError ||
    error instanceof ComputeRefusal ||
    error instanceof Disconnected
  )
}

export function computeUnreachable(
  cause: unknown = new Error('it was not ready in time'),
): ClientError {
  return new ClientError(sqlstates.internal, "Couldn't connect to compute node", { cause })
}

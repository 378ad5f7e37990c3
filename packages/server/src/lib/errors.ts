import { type ErrorCode, errors } from '@coppice/api/client'

/**
 * An error that a client may see: its code is a row of the table in `@coppice/api`, its message is
 * safe to show and says what to do. Everything else that is thrown reaches clients as `internal`.
 */
export class AppError extends Error {
  readonly code: ErrorCode
  /** Neon's own word for it, where its clients look for one beside the code. */
  readonly reason: string | undefined

  constructor(code: ErrorCode, message: string, options: ErrorOptions & { reason?: string } = {}) {
    super(message, options)
    this.name = 'AppError'
    this.code = code
    this.reason = options.reason
  }

  get status(): number {
    return errors[this.code].status
  }

  get sqlstate(): string {
    return errors[this.code].sqlstate
  }
}

/** The messages of an error and of its causes, outermost first, for one log line. */
export function describeError(error: unknown): string {
  const parts: string[] = []
  for (let at = error; at !== undefined && at !== null && parts.length < 8;) {
    if (!(at instanceof Error)) return [...parts, JSON.stringify(at)].join(': ')
    parts.push(at.message)
    at = at.cause
  }
  return parts.join(': ')
}

/** Whether a code is of a session or server that has gone: of sockets, of postgres.js, or of class 57P (manual, "Error Codes"). */
export function isConnectionLost(code: string): boolean {
  return (
    ['ECONNREFUSED', 'ENOENT', 'ECONNRESET', 'EPIPE', 'CONNECT_TIMEOUT'].includes(code) ||
    code.startsWith('CONNECTION_') ||
    code.startsWith('57P')
  )
}

/** The `code` of a Node or PostgreSQL error (`ENOENT`, `28P01`), where it has one. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

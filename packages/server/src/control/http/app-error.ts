import type { FastifyError, FastifyRequest } from 'fastify'

import { databaseError } from '../../compute/database-errors.ts'
import { AppError, describeError } from '../../lib/errors.ts'
import { storeError } from '../store/store.ts'

/** What a caller is told of any error. One that is no caller's business is written to the log instead. */
export function toAppError(error: unknown, request: FastifyRequest): AppError {
  const known = translate(error)
  if (known.code === 'internal') {
    request.log.error(
      { url: request.routeOptions.url, error: describeError(error) },
      'request failed',
    )
  }
  return known
}

function translate(error: unknown): AppError {
  const known = databaseError(error) ?? storeError(error)
  if (known instanceof AppError) return known
  const { validation, statusCode, message } = (known ?? {}) as Partial<FastifyError>
  // Fastify's own refusals: malformed JSON, a body over the limit, a value out of its schema.
  if (validation !== undefined || (statusCode !== undefined && statusCode < 500)) {
    return new AppError('invalid_request', message ?? 'invalid request', { cause: error })
  }
  return new AppError('internal', 'internal error', { cause: error })
}

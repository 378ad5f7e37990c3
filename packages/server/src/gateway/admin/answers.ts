/** What the console says beside tables. */
import { AppError } from '../../lib/errors.ts'
import { ClientError, sqlstates } from '../errors.ts'
import { message } from '../wire/messages.ts'

/** SQLSTATEs of the console alone (PostgreSQL manual, appendix A). */
export const consoleStates = {
  wrongObject: '55000',
  noDatabase: '3D000',
  noObject: '42704',
  notPermitted: '42501',
  syntax: '42601',
} as const

/** An ErrorResponse after which the session goes on; details only of errors that are meant to be shown. */
export function errorAnswer(error: unknown): Buffer {
  const isMeant = error instanceof ClientError || error instanceof AppError
  return notification('E', {
    S: 'ERROR',
    V: 'ERROR',
    C: isMeant ? error.sqlstate : sqlstates.internal,
    M: isMeant ? error.message : 'internal error',
  })
}

export function notice(text: string, detail?: string): Buffer {
  const fields = { S: 'NOTICE', V: 'NOTICE', C: '00000', M: text }
  return notification('N', detail === undefined ? fields : { ...fields, D: detail })
}

export function commandComplete(tag: string): Buffer {
  return message('C', Buffer.from(`${tag}\0`))
}

export function parameterStatus(name: string, value: string): Buffer {
  return message('S', Buffer.from(`${name}\0${value}\0`))
}

/** Messages without a body. */
export const emptyQuery = message('I', Buffer.alloc(0))
export const parseComplete = message('1', Buffer.alloc(0))
export const bindComplete = message('2', Buffer.alloc(0))
export const closeComplete = message('3', Buffer.alloc(0))
export const noData = message('n', Buffer.alloc(0))
export const portalSuspended = message('s', Buffer.alloc(0))
/** ParameterDescription of a statement without parameters. */
export const noParameters = message('t', Buffer.alloc(2))

function notification(type: 'E' | 'N', fields: Readonly<Record<string, string>>): Buffer {
  const text = Object.entries(fields).map(
    ([code, value]) => `${code}${value.replaceAll('\0', '')}\0`,
  )
  return message(type, Buffer.from(`${text.join('')}\0`))
}

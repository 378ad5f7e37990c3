import { ApiError, errors } from '@coppice/api/client'
import { AdvisedError } from '@coppice/migrate/advised-error'
import { CommanderError } from 'commander'

import type { Output } from './output.ts'

interface CliErrorOptions extends ErrorOptions {
  /** What to do about it, on lines of its own. */
  advice?: string
  exitCode?: number
}

/** An error that is the user's to read, with the exit code of the program. */
export class CliError extends AdvisedError {
  readonly exitCode: number

  constructor(message: string, options: CliErrorOptions = {}) {
    super(message, options)
    this.name = 'CliError'
    this.exitCode = options.exitCode ?? 1
  }
}

/** The answer of a deletion, or the error for what was not there to be deleted. */
export function deleted<T>(answer: T | undefined, what: string): T {
  if (answer !== undefined) return answer
  throw new CliError(`${what} does not exist`)
}

/** Writes an error to stderr and answers the exit code of the process. */
export function reportError(error: unknown, output: Output, debug: boolean): number {
  // Commander has written its own message and help already.
  if (error instanceof CommanderError) return error.exitCode
  output.error(describe(error))
  if (error instanceof AdvisedError && error.advice !== undefined) output.note(error.advice)
  if (debug && error instanceof Error) output.note(stackOf(error))
  return exitCodeOf(error)
}

/** 1: the user can mend it; 2: the platform, or this program, is at fault. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CliError) return error.exitCode
  if (error instanceof AdvisedError) return 1
  if (error instanceof ApiError) return exitCodeOfAnswer(error.code, error.status)
  return 2
}

/** The exit code of the API's error table, or by the status where the code is another server's. */
export function exitCodeOfAnswer(code: string, status: number): number {
  const known: Record<string, { exit: number } | undefined> = errors
  return known[code]?.exit ?? (status >= 500 ? 2 : 1)
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (!(error instanceof ApiError)) return error.message
  const isOurs = error.status >= 500 && error.requestId !== undefined
  return isOurs ? `${error.message} (request ${error.requestId})` : error.message
}

function stackOf(error: Error): string {
  const lines: string[] = []
  for (let at: unknown = error; at instanceof Error && lines.length < 8; at = at.cause) {
    lines.push(at.stack ?? at.message)
  }
  return lines.join('\ncaused by: ')
}

import { describeError } from '../lib/errors.ts'
import { AppError } from '../lib/errors.ts'

/** The program speaks JSON lines on stdout; the CLI makes them readable. */
export function emit(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

/** Errors of the program itself are shown to its operator, causes and all. */
export function emitError(error: unknown): void {
  const code = error instanceof AppError ? error.code : 'internal'
  emit({ error: { code, message: describeError(error) } })
}

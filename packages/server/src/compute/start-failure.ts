import { AppError } from '../lib/errors.ts'
import { readLogSince } from './postgres-log.ts'

/** What a user can mend is told; the log's last lines go into the cause, for the platform's own log. */
export async function explainFailure(
  logFile: string,
  logStart: number,
  error: unknown,
): Promise<AppError> {
  const lines = await readLogSince(logFile, logStart).catch(() => [])
  const cause = new Error(lines.join('\n') || 'nothing in its log', { cause: error })
  if (lines.some((line) => line.includes('No space left on device'))) {
    return poolIsFull(cause)
  }
  const setting = lines.find((line) => badSetting.test(line))?.replace(/^.*?(LOG|FATAL):\s+/, '')
  const why = setting === undefined ? "the compute's log says why" : setting
  return new AppError('compute_start_failed', `PostgreSQL did not start: ${why}`, { cause })
}

/** SQLSTATE of a server whose disk is full (PostgreSQL manual, appendix A). */
export const diskFull = '53100'

/** A compute has no space to start or to work in. */
export function poolIsFull(cause: unknown): AppError {
  return new AppError(
    'pool_full',
    'the storage pool is full, and a compute needs space to run: delete branches with --hard-delete or enlarge it with `coppice pool grow --size …`',
    { cause },
  )
}

const badSetting =
  /invalid value for parameter|unrecognized configuration parameter|is outside the valid range/

import { AppError, errorCode, isConnectionLost } from '../lib/errors.ts'
import { diskFull, poolIsFull } from './start-failure.ts'

const known = new WeakSet<object>()

/** Runs what asks a cluster, and knows its errors afterwards from those of other servers. */
export async function ofDatabase<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (typeof error === 'object' && error !== null) known.add(error)
    throw error
  }
}

/**
 * What is told of an error of a cluster whose session or server has ended, or whose disk is full; undefined
 * for all others.
 */
export function databaseError(error: unknown): AppError | undefined {
  if (typeof error !== 'object' || error === null || !known.has(error)) return undefined
  const code = errorCode(error) ?? ''
  if (code === diskFull) return poolIsFull(error)
  if (!isSessionEnded(code)) return undefined
  return new AppError(
    'compute_unavailable',
    "the branch's PostgreSQL has ended the platform's session; try again, and see `coppice logs` if it stays so",
    { cause: error },
  )
}

/** Also by a timeout that somebody has set on the database. */
const isSessionEnded = (code: string): boolean =>
  isConnectionLost(code) || ['25P03', '25P04'].includes(code)

import { AppError, errorCode } from '../lib/errors.ts'

/** EDQUOT is what a quota group or a user's quota answers. */
const fullCodes = new Set(['ENOSPC', 'EDQUOT'])

/**
 * The btrfs program ends with exit code 1 whatever happened, so its text is all there is to go by. It
 * is not translated.
 */
const fullText = /No space left on device|Disk quota exceeded/

/** Passes on what the work answers; where it ran out of space, rejects with `pool_full`. */
export async function reportPoolFull<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (isOutOfSpace(error)) throw poolFull(error)
    throw error
  }
}

/** The error for a pool without room, with what to do about it. */
export function poolFull(cause?: unknown): AppError {
  return new AppError(
    'pool_full',
    'the storage pool has no room for another branch: delete branches that are no longer needed, ' +
      'or enlarge the pool with `coppice pool grow --size …`',
    cause === undefined ? undefined : { cause },
  )
}

/** Whether an error, or one that caused it, says that the file system is full. */
export function isOutOfSpace(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (fullCodes.has(errorCode(at) ?? '') || fullText.test(at.message)) return true
  }
  return false
}

import { AppError } from '../lib/errors.ts'
import { tryLock } from '../lib/file-lock.ts'
import { type Home, homeOwner } from '../lib/home.ts'
import { askPlatform } from './ask-platform.ts'

/**
 * Makes this process the only one that works in a state directory, until it ends or calls what this answers.
 * Rejects with AppError where another one does.
 *
 * A socket file says nothing of this: that nobody answers on it can be known only before it is removed, and
 * by then it may be another's. A file with a process id has the same gap. An abstract socket has not, but is
 * Linux's, anybody's to take, and another one in each container that shares the directory.
 */
export async function lockHome(home: Home): Promise<() => void> {
  // Root's file would keep the owner out of their own home.
  const owner = process.getuid?.() === 0 ? await homeOwner(home) : undefined
  const unlock = await tryLock(home.lock, owner)
  if (unlock !== undefined) return unlock
  const isRunning = (await askPlatform(home)) !== undefined
  throw new AppError(
    'invalid_request',
    isRunning
      ? 'the platform is running already'
      : `another coppice is at work in ${home.root}; try again when it has ended`,
  )
}

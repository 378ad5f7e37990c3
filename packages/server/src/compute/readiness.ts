import { type FSWatcher, watch } from 'node:fs'

import { readPidFile } from './pid-file.ts'
import { clearPromotionRequest, isFreshClone, requestPromotion } from './promote-clone.ts'

/**
 * Replay of what a crash left, or a checkpoint of a large cluster, takes minutes at worst; a start that
 * takes longer is ended, so that it can be tried again.
 */
const startDeadlineMs = 30 * 60_000

/** Status changes are seen at once by inotify; the timer is for file systems that do not tell. */
const readinessPollMs = 5

/** Between requests to promote: signals are cheap, but each may wake the startup process. */
const promotionIntervalMs = 3

/**
 * Waits on the status line that PostgreSQL keeps in `postmaster.pid`, as `pg_ctl -w` does, and has a
 * fresh clone promoted meanwhile. Answers the socket directory.
 */
export async function waitUntilReady(
  dataDirectory: string,
  { pid, exited, isStandby }: { pid: number; exited: Promise<void>; isStandby: boolean },
): Promise<string> {
  const promotes = !isStandby && isFreshClone(dataDirectory)
  let watcher: FSWatcher | undefined
  let timer: NodeJS.Timeout | undefined
  try {
    const socketDirectory = await new Promise<string>((resolve, reject) => {
      const look = createLook({ dataDirectory, pid, promotes, resolve, reject })
      watcher = watchQuietly(dataDirectory, look)
      timer = setInterval(look, readinessPollMs)
      void exited.then(() => reject(new Error('the process ended')))
      look()
    })
    if (promotes) await clearPromotionRequest(dataDirectory)
    return socketDirectory
  } finally {
    watcher?.close()
    clearInterval(timer)
  }
}

interface Look {
  dataDirectory: string
  pid: number
  promotes: boolean
  resolve: (socketDirectory: string) => void
  reject: (error: Error) => void
}

/** One look at how far the start is; made to be called often. */
function createLook({ dataDirectory, pid, promotes, resolve, reject }: Look): () => void {
  const deadline = performance.now() + startDeadlineMs
  let lastRequest = 0
  const look = (): void => {
    const now = performance.now()
    const found = readPidFile(dataDirectory)
    const isOurs = found?.pid === pid
    if (isOurs && found.status === 'ready') resolve(found.socketDirectory)
    else if (now > deadline) reject(new Error('not ready in time'))
    else if (isOurs && promotes && now - lastRequest >= promotionIntervalMs) {
      lastRequest = now
      requestPromotion(dataDirectory, pid)
    }
  }
  return () => {
    try {
      look()
    } catch (error) {
      reject(new Error('cannot follow the start', { cause: error }))
    }
  }
}

/** inotify has limits per user; without it the timer alone finds out, a few milliseconds later. */
function watchQuietly(directory: string, listener: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(directory, { persistent: false }, listener)
    watcher.on('error', () => watcher.close())
    return watcher
  } catch {
    return undefined
  }
}

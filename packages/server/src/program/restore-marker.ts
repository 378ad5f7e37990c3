import { rm } from 'node:fs/promises'
import { join } from 'node:path'

import { AppError } from '../lib/errors.ts'
import {
  isThere,
  namesIn,
  syncDirectory,
  syncFileSystem,
  writeFileAtomically,
} from '../lib/files.ts'
import type { Home } from '../lib/home.ts'
import { isMounted, unmountPoolImage } from '../volume/pool-image.ts'
import { stopLeftStore } from './store-cluster.ts'

/** Says that a state directory is being restored: until it has gone, all in it is the restore's alone. */
const markerPath = (home: Home): string => join(home.root, 'restoring.json')

export async function markRestoring(home: Home, backup: string): Promise<void> {
  await writeFileAtomically(markerPath(home), `${JSON.stringify({ backup })}\n`)
}

/** All that was restored is on disk before the mark goes. */
export async function unmarkRestoring(home: Home): Promise<void> {
  await syncFileSystem(home.root)
  await rm(markerPath(home))
  await syncDirectory(home.root)
}

/** Rejects with AppError where a restore was interrupted. */
export async function refuseUnfinished(home: Home): Promise<void> {
  if (!(await isThere(markerPath(home)))) return
  throw new AppError(
    'invalid_request',
    `a restore to ${home.root} has not come to its end; run \`coppice restore\` again, which begins it anew`,
  )
}

/** Removes what an interrupted restore has made, so that the next begins with nothing. */
export async function clearUnfinished(home: Home): Promise<void> {
  if (!(await isThere(markerPath(home)))) return
  await stopLeftStore(home.store)
  const image = { imagePath: home.poolImage, mountPoint: home.pool }
  if (await isMounted(image)) await unmountPoolImage(image)
  // The marker goes last, the lock not at all: who clears holds it.
  const kept = [markerPath(home), home.lock]
  for (const path of (await namesIn(home.root)).map((name) => join(home.root, name))) {
    if (!kept.includes(path)) await rm(path, { recursive: true, force: true })
  }
}

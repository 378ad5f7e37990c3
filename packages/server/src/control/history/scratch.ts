import { rm } from 'node:fs/promises'
import { join } from 'node:path'

import { newScratchId } from '../../lib/ids.ts'
import type { Context } from '../context.ts'
import { endReplay } from './replay.ts'

/** A volume for the time of a look at it. */
export async function withScratch<T>(
  context: Context,
  work: (volumeId: string) => Promise<T>,
): Promise<T> {
  const id = newScratchId()
  try {
    return await work(id)
  } finally {
    await removeScratch(context, id)
  }
}

/** Idempotent; also ends what may still run on it. */
export async function removeScratch(context: Context, id: string): Promise<void> {
  await abandonReplay(context, id)
  await context.volumes.destroy(id)
}

/** Removes what a crash or a failure has left of a recovery. Idempotent; the volume is its caller's. */
export async function abandonReplay(context: Context, volumeId: string): Promise<void> {
  await endReplay(context, volumeId)
  await rm(stagingOf(context, volumeId), { recursive: true, force: true })
}

/** Where the WAL of a recovery into a volume is staged. */
export const stagingOf = (context: Context, volumeId: string): string =>
  join(context.history.stagingDirectory, volumeId)

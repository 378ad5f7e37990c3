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
  await endReplay(context, id)
  await context.volumes.destroy(id)
}

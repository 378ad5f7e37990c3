import { join } from 'node:path'

import { readControlFile } from '../../compute/pg-control.ts'
import { readLastSegments, readWalEnd } from '../../history/wal-reader.ts'
import type { Lsn } from '../../lib/lsn.ts'

/** What a data directory holds of the WAL ends between these two. */
export interface WalBounds {
  from: Lsn
  to: Lsn
}

/**
 * Where the WAL of a data directory ends that nothing writes to, or that is a clone: exactly. `near` is a
 * position from which the end is not far, where one is known.
 */
export async function readRestingEnd(dataDirectory: string, near?: Lsn): Promise<Lsn> {
  const walDirectory = join(dataDirectory, 'pg_wal')
  const nearby = near === undefined ? undefined : await readWalEnd(walDirectory, near)
  if (nearby !== undefined) return nearby
  const { state, checkpoint } = await readControlFile(dataDirectory)
  const last = state === 'shut down' ? undefined : await readLastSegments(walDirectory)
  const from = last !== undefined && last > checkpoint ? last : checkpoint
  return (await readWalEnd(walDirectory, from)) ?? checkpoint
}

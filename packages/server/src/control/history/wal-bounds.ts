import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

import { readControlFile } from '../../compute/pg-control.ts'
import { parseSegmentName, segmentEnd } from '../../history/wal-names.ts'
import type { Lsn } from '../../lib/lsn.ts'

/** What a data directory holds of the WAL ends between these two. */
export interface WalBounds {
  from: Lsn
  to: Lsn
}

/** A shutdown checkpoint, the last record of a cluster that was stopped, is some 120 bytes. */
const checkpointRecordBytes = 512n

/**
 * Of a data directory that nothing runs on. After a clean shutdown the end is known; what a crash has
 * left, or a clone that has not started yet, ends somewhere in its last segment.
 */
export async function readRestingBounds(dataDirectory: string): Promise<WalBounds> {
  const { state, checkpoint, redo } = await readControlFile(dataDirectory)
  if (state === 'shut down') return { from: checkpoint, to: checkpoint + checkpointRecordBytes }
  const directory = join(dataDirectory, 'pg_wal')
  let to = checkpoint + checkpointRecordBytes
  for (const name of await readdir(directory)) {
    const { size } = await stat(join(directory, name))
    const segment = parseSegmentName(name, size)
    if (segment === undefined) continue
    const end = segmentEnd(segment.number, size)
    if (end > to) to = end
  }
  return { from: redo, to }
}

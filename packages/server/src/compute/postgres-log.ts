import { copyFile, open, rename, stat, truncate } from 'node:fs/promises'

import { errorCode } from '../lib/errors.ts'

/** A compute's log: one file, and one older one beside it, so that it takes at most twice this. */
const maxLogBytes = 8 * 1024 * 1024

/** What of the log goes into an error: enough for the reason and what led to it. */
const tailBytes = 4096
const tailLines = 8

/** Where the log ends now; a later `readLogSince` tells what was written after. */
export async function logEnd(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 0
    throw error
  }
}

/** The last lines written since `from`, without blank ones. */
export async function readLogSince(path: string, from: number): Promise<string[]> {
  const end = await logEnd(path)
  const start = Math.max(from, end - tailBytes)
  if (end <= start) return []
  const file = await open(path, 'r')
  try {
    const bytes = Buffer.alloc(end - start)
    const { bytesRead } = await file.read(bytes, 0, bytes.length, start)
    const text = bytes.toString('utf8', 0, bytesRead)
    return text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .slice(-tailLines)
  } finally {
    await file.close()
  }
}

/** Before a start: puts a log that has grown aside, in the place of the one before. */
export async function rotateLog(path: string): Promise<void> {
  if ((await logEnd(path)) > maxLogBytes) await rename(path, `${path}.1`)
}

/**
 * While PostgreSQL holds the log open: its lines are appended wherever the end is, so the file can be
 * copied and emptied. Lines written in between are lost, which a log that has grown so far can bear.
 */
export async function boundLog(path: string): Promise<void> {
  if ((await logEnd(path)) <= maxLogBytes) return
  await copyFile(path, `${path}.1`)
  await truncate(path, 0)
}

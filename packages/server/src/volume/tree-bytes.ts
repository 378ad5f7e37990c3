import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

import { errorCode } from '../lib/errors.ts'

/** `st_blocks` counts in this unit on every system (POSIX leaves it open). */
const blockBytes = 512

/** Bytes that a directory's files occupy, blocks shared with others included. What vanishes is left out. */
export async function treeBytes(directory: string): Promise<number> {
  try {
    const entries = await readdir(directory, { withFileTypes: true })
    const sizes = await Promise.all(
      entries
        .filter((entry) => !entry.isDirectory())
        .map(async (entry) => fileBytes(join(directory, entry.name))),
    )
    let bytes = sizes.reduce((sum, size) => sum + size, 0)
    for (const entry of entries) {
      if (entry.isDirectory()) bytes += await treeBytes(join(directory, entry.name))
    }
    return bytes
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 0
    throw error
  }
}

async function fileBytes(path: string): Promise<number> {
  try {
    return (await lstat(path)).blocks * blockBytes
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 0
    throw error
  }
}

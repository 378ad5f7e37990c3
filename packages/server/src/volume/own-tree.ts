import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

import { AppError, errorCode } from '../lib/errors.ts'

/**
 * Refuses a data directory with parts outside of it: a tablespace or a `pg_wal` behind a symbolic link
 * would be shared by the clone and its source, and two clusters writing to one destroy both.
 */
export async function assertOwnTree(dataDirectory: string): Promise<void> {
  const links = [
    ...((await isLink(join(dataDirectory, 'pg_wal'))) ? ['pg_wal'] : []),
    ...(await linksIn(join(dataDirectory, 'pg_tblspc'))).map((name) => `pg_tblspc/${name}`),
  ]
  if (links.length === 0) return
  throw new AppError(
    'not_available',
    `this branch keeps data outside of its volume (${links.join(', ')}), so it cannot be branched: ` +
      'move the tables to the default tablespace and drop the others',
  )
}

async function isLink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink()
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
}

async function linksIn(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true })
    return entries.filter((entry) => entry.isSymbolicLink()).map((entry) => entry.name)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return []
    throw error
  }
}

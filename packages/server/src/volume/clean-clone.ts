import { lstat, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { errorCode } from '../lib/errors.ts'

/**
 * Of the source's postmaster, or of what it was once restored from. `backup_label` and `tablespace_map`
 * are not among them: a volume that was copied from a running cluster and never started since needs its
 * own to become consistent, and so do all clones of it. PostgreSQL itself renames them at its first
 * start, and a copy of a running cluster gets new ones in their place.
 */
const sourceFiles = [
  'postmaster.pid',
  'postmaster.opts',
  'standby.signal',
  'recovery.signal',
  'promote',
  'backup_label.old',
  'tablespace_map.old',
  'current_logfiles',
]

/**
 * Emptied. A replication slot would hold back WAL for a consumer that is not the clone's; the rest is
 * only of use to the source. Temporary files below `base/<database>` are left: PostgreSQL removes them
 * at its start, and finding them would mean to read every directory.
 */
const sourceDirectories = ['pg_replslot', 'pg_stat_tmp', 'base/pgsql_tmp', 'log']

/**
 * Removes from a cloned data directory what belongs to its source alone, before anything may start on
 * it. Touches known paths only, so the cost does not grow with the cluster. A volume without a cluster
 * is left as it is. May be repeated.
 */
export async function cleanClone(dataDirectory: string): Promise<void> {
  await Promise.all([
    ...sourceFiles.map(async (name) => rm(join(dataDirectory, name), { force: true })),
    ...sourceDirectories.map(async (name) => emptyDirectory(join(dataDirectory, name))),
  ])
}

async function emptyDirectory(path: string): Promise<void> {
  if (!(await isDirectory(path))) return
  for (const name of await readdir(path)) {
    await rm(join(path, name), { recursive: true, force: true })
  }
}

/** Not through a link: `log` and `pg_stat_tmp` may point to what the source still uses. */
async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isDirectory()
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
}

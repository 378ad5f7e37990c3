import { lstat, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { errorCode } from '../lib/errors.ts'
import type { OsUser } from '../lib/exec.ts'
import { readControlFile } from './pg-control.ts'

/**
 * Fresh clones.
 *
 * A clone of a running cluster looks like one that crashed. Ordinary crash recovery would end in a
 * checkpoint that whoever connects first has to wait for. With `standby.signal` PostgreSQL replays all
 * of the local WAL as a standby does and is then promoted at once (`promote-clone.ts`): a short
 * end-of-recovery record instead of the checkpoint, and a WAL timeline of the clone's own. Measured, on
 * btrfs: 655 ms became 313 ms for a parent at 200 transactions a second. Where there is next to nothing
 * to replay the checkpoint is empty, and the promotion's new WAL segment costs more: 93 ms against 122 ms
 * for an idle parent. The caller, who can ask the parent, chooses.
 *
 * A crash on the way is harmless: PostgreSQL removes the file only when it has chosen the new timeline,
 * so the next start either repeats all of it or does ordinary crash recovery.
 */
export const freshCloneSignal = 'standby.signal'

/** Of the parent's running postmaster, or of its past: meaningless or harmful in a clone. */
const parentsFiles = [
  'postmaster.pid',
  'postmaster.opts',
  'recovery.signal',
  'promote',
  'backup_label.old',
  'tablespace_map.old',
  'current_logfiles',
  'log',
]

/** Emptied, as pg_basebackup does: a copied slot would hold back WAL for a consumer that is not ours. */
const parentsDirectories = ['pg_replslot', 'pg_stat_tmp', 'pg_notify', 'pg_dynshmem']

/**
 * Makes a just-cloned data directory ready for its first start, before anything else touches it. May be
 * repeated, and called for any clone: one of a cleanly stopped cluster only loses its parent's files.
 * Answers whether the first start will replay WAL. Not flushed: what a power cut brings back delays the
 * first start or is removed by it.
 */
export async function markFreshClone(
  dataDirectory: string,
  user: OsUser | undefined,
  { promote = true } = {},
): Promise<boolean> {
  const [replays] = await Promise.all([
    needsReplay(dataDirectory),
    ...parentsFiles.map(async (name) =>
      rm(join(dataDirectory, name), { recursive: true, force: true }),
    ),
    ...parentsDirectories.map(async (name) => emptyDirectory(join(dataDirectory, name))),
  ])
  if (replays && promote) await signalReplay(dataDirectory, user)
  return replays
}

/** Has the next start replay all WAL that is there, also beyond a clean shutdown, and be promoted. */
export async function signalReplay(dataDirectory: string, user: OsUser | undefined): Promise<void> {
  await createSignal(join(dataDirectory, freshCloneSignal), user)
}

async function needsReplay(dataDirectory: string): Promise<boolean> {
  const { state } = await readControlFile(dataDirectory)
  if (state !== 'shut down') return true
  // A file-by-file copy: pg_control may be newer than other files, and only WAL makes them one.
  return (await readdir(dataDirectory)).includes('backup_label')
}

async function createSignal(path: string, user: OsUser | undefined): Promise<void> {
  try {
    // `wx` follows no symbolic link: the directory belongs to a less trusted user than root.
    const file = await open(path, 'wx', 0o600)
    try {
      if (user) await file.chown(user.uid, user.gid)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
  }
}

async function emptyDirectory(path: string): Promise<void> {
  // Never through a symbolic link, for the same reason.
  const found = await lstat(path).catch((error: unknown) => {
    if (errorCode(error) !== 'ENOENT') throw error
  })
  if (!found?.isDirectory()) return
  for (const name of await readdir(path)) {
    await rm(join(path, name), { recursive: true, force: true })
  }
}

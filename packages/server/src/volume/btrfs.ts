import { chmod, chown, lstat, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { errorCode } from '../lib/errors.ts'
import { exec, type OsUser } from '../lib/exec.ts'
import { syncDirectory } from '../lib/files.ts'
import { createDriver } from './driver.ts'
import { dataIn } from './slots.ts'
import type { VolumeDriver, VolumeUsage } from './volume.ts'

/**
 * btrfs: a volume is a subvolume, a clone is a snapshot of it: one point in time of all its files, made
 * in a time that does not grow with them.
 *
 * Data is not copied on write (`chattr +C`, inherited by files and kept by snapshots), because
 * PostgreSQL writes in place and does better so; the first write to a block that a snapshot shares is
 * still a copy. That turns btrfs's checksums off, which is why clusters have PostgreSQL's on.
 *
 * What of a clone survives a power cut: the snapshot itself is a transaction commit. The removals after
 * it and the rename into place are made durable by fsync of the directories concerned, in this order, so
 * a volume that is listed after the cut is the clone as it was handed out.
 *
 * Works as root, and as a plain user who owns the pool's directory. Where such a user may not delete
 * subvolumes (mount option `user_subvol_rm_allowed`), files are removed one by one instead.
 */
export function createBtrfsDriver(root: string, user: OsUser | undefined): VolumeDriver {
  return createDriver(root, {
    kind: 'btrfs',
    isAtomic: true,
    warning: undefined,
    create: async (data) => createSubvolume(data, user),
    clone: async (source, data) => {
      await exec('btrfs', ['subvolume', 'snapshot', source, data])
    },
    flush: flushClone,
    clear,
    usage: readUsage,
    reclaim: async () => reclaim(root),
  })
}

async function createSubvolume(data: string, user: OsUser | undefined): Promise<void> {
  await exec('btrfs', ['subvolume', 'create', data])
  await exec('chattr', ['+C', data])
  await chmod(data, 0o700)
  if (user) await chown(data, user.uid, user.gid)
}

/** The two directories from which a removal must not come undone: a lock file, and slots that hold WAL. */
async function flushClone(data: string): Promise<void> {
  const dataDirectory = join(data, 'pgdata')
  await Promise.all(
    [dataDirectory, join(dataDirectory, 'pg_replslot')].map(async (path) => {
      try {
        await syncDirectory(path)
      } catch (error) {
        // A volume without a cluster.
        if (errorCode(error) !== 'ENOENT') throw error
      }
    }),
  )
}

async function clear(slot: string): Promise<void> {
  const data = dataIn(slot)
  if (await isSubvolume(data)) await deleteSubvolume(data)
  await rm(data, { recursive: true, force: true })
  await removeEmptyDirectory(slot)
}

/** The root directory of every subvolume has this inode number (BTRFS_FIRST_FREE_OBJECTID). */
const subvolumeInode = 256

async function isSubvolume(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).ino === subvolumeInode
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
}

async function deleteSubvolume(path: string): Promise<void> {
  try {
    await exec('btrfs', ['subvolume', 'delete', path])
  } catch (cause) {
    // A plain user without that right may empty a subvolume and remove it as a directory.
    if (process.getuid?.() === 0) throw cause
    await rm(path, { recursive: true, force: true })
  }
}

async function removeEmptyDirectory(path: string): Promise<void> {
  try {
    await rmdir(path)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
  }
}

/**
 * From the extents of every file: some 0.15 s of CPU per GB for a cluster that has seen random writes,
 * so not for every volume every minute. Quota groups would answer at once and make every snapshot and
 * delete slower, the more of them there are.
 */
async function readUsage(data: string): Promise<VolumeUsage> {
  const output = await exec('btrfs', ['filesystem', 'du', '--summarize', '--raw', data], {
    timeoutMs: usageTimeoutMs,
  })
  const columns = /^\s*(\d+)\s+(\d+)\s/m.exec(output)
  if (columns === null) throw new Error('btrfs filesystem du answered without figures')
  return { referencedBytes: Number(columns[1]), exclusiveBytes: Number(columns[2]) }
}

// 50 GB of much-rewritten files take some ten seconds on an idle machine.
const usageTimeoutMs = 120_000

/**
 * Deleted subvolumes are taken apart by a kernel thread that wakes with the periodic commit, and their
 * space counts as free after the next one: 6 s with `commit=5`, 31 s without. A sync wakes the thread at
 * once, another shows what it has done: 0.25 s for 300 MB.
 */
async function reclaim(root: string): Promise<void> {
  const deadline = Date.now() + reclaimTimeoutMs
  await syncFilesystem(root)
  while (Date.now() < deadline && (await hasDeletedSubvolumes(root))) await delay(reclaimPollMs)
  await syncFilesystem(root)
}

const reclaimTimeoutMs = 60_000
const reclaimPollMs = 50

async function syncFilesystem(root: string): Promise<void> {
  await exec('btrfs', ['filesystem', 'sync', root], { timeoutMs: reclaimTimeoutMs })
}

/** Whether some are still being taken apart. Only root may know; others get a moment's grace once. */
async function hasDeletedSubvolumes(root: string): Promise<boolean> {
  if (process.getuid?.() !== 0) {
    await delay(unprivilegedGraceMs)
    return false
  }
  return (await exec('btrfs', ['subvolume', 'list', '-d', root])).trim() !== ''
}

const unprivilegedGraceMs = 500

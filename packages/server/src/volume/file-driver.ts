import { chmod, chown, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { assert } from '../lib/assert.ts'
import { exec, type OsUser } from '../lib/exec.ts'
import { syncFileSystem } from '../lib/files.ts'
import { copyTree } from './copy-tree.ts'
import { createDriver } from './driver.ts'
import { treeBytes } from './tree-bytes.ts'
import type { LiveSource, VolumeDriver } from './volume.ts'

interface FileDriverOptions {
  kind: 'reflink' | 'copy'
  user: OsUser | undefined
  /** For copyFile of node:fs. */
  copyMode: number
  warning: string | undefined
  /** Called before a clone; rejects where it would not fit. */
  assertFits?: (source: string) => Promise<void>
}

/**
 * Drivers that clone file by file: `reflink` shares the blocks, `copy` does not. A running source is
 * copied by PostgreSQL's low-level backup interface: between `begin` and `end` everything but the WAL,
 * then the files that `end` answers, then the WAL, which from `begin` on is held back from removal.
 */
export function createFileDriver(root: string, options: FileDriverOptions): VolumeDriver {
  const { user } = options
  return createDriver(root, {
    kind: options.kind,
    isAtomic: false,
    warning: options.warning,
    create: async (data) => {
      await mkdir(data)
      await chmod(data, 0o700)
      if (user) await chown(data, user.uid, user.gid)
    },
    clone: async (source, data, live) => {
      await options.assertFits?.(source)
      if (live) await copyRunning(source, data, live, options)
      else await copyAtRest(source, data, options.kind)
    },
    flush: syncFileSystem,
    clear: async (slot) => rm(slot, { recursive: true, force: true }),
    usage: async (data) => {
      const referencedBytes = await treeBytes(data)
      const isShared = options.kind === 'reflink'
      return { referencedBytes, exclusiveBytes: isShared ? undefined : referencedBytes }
    },
    // Some file systems count removed files as free with the next commit only.
    reclaim: async () => syncFileSystem(root),
  })
}

// At the 100 MB/s of a slow disk, 300 GB: whatever takes longer is stuck.
const cloneTimeoutMs = 60 * 60_000

/** By `cp`, which takes a fifth of the time of Node's own calls, and whose every error is one here. */
async function copyAtRest(
  source: string,
  data: string,
  kind: FileDriverOptions['kind'],
): Promise<void> {
  const flags =
    process.platform === 'darwin'
      ? { reflink: ['-c', '-R', '-p'], copy: ['-R', '-p'] }
      : { reflink: ['-a', '--reflink=always'], copy: ['-a'] }
  // In English, for a full disk to be recognized.
  const args = ['LC_ALL=C', 'cp', ...flags[kind], source, data]
  await exec('env', args, { timeoutMs: cloneTimeoutMs })
}

async function copyRunning(
  source: string,
  data: string,
  live: LiveSource,
  { copyMode, user }: FileDriverOptions,
): Promise<void> {
  const wal = join('pgdata', 'pg_wal')
  const options = { copyMode, owner: user, deadlineMs: Date.now() + cloneTimeoutMs }
  try {
    await live.begin()
    await copyTree(source, data, { ...options, without: wal })
    await writeFiles(join(data, 'pgdata'), await live.end(), user)
    await copyTree(join(source, wal), join(data, wal), options)
  } finally {
    await live.release()
  }
}

async function writeFiles(
  directory: string,
  files: Record<string, string>,
  owner: OsUser | undefined,
): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, name)
    assert(dirname(path) === directory, 'the files of a backup lie in the data directory itself')
    // Not through what was copied: it may be the source's own, or a link.
    await rm(path, { force: true })
    await writeFile(path, content, { mode: 0o600, flag: 'wx' })
    if (owner) await chown(path, owner.uid, owner.gid)
  }
}

import { statfs } from 'node:fs/promises'

import type { OsUser } from '../lib/exec.ts'
import { createFileDriver } from './file-driver.ts'
import { poolFull } from './pool-full.ts'
import { treeBytes } from './tree-bytes.ts'
import type { VolumeDriver } from './volume.ts'

/** Any file system: a clone is a full copy. For trying things out. */
export function createCopyDriver(root: string, user: OsUser | undefined): VolumeDriver {
  return createFileDriver(root, {
    kind: 'copy',
    user,
    copyMode: 0,
    warning:
      'this file system cannot share data between branches, so every branch is a full copy: ' +
      'it takes as much disk as its parent, and seconds to minutes to create. ' +
      'Make a pool that can, once and as root: `coppice pool create --size 50G`',
    assertFits: async (source) => {
      // Found out before it is full, since a full disk stops the clusters that run on it.
      const { bavail, bsize } = await statfs(root)
      if ((await treeBytes(source)) > bavail * bsize) throw poolFull()
    },
  })
}

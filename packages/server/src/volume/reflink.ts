import { constants } from 'node:fs'

import type { OsUser } from '../lib/exec.ts'
import { createFileDriver } from './file-driver.ts'
import type { VolumeDriver } from './volume.ts'

/**
 * XFS, APFS, and btrfs where subvolumes are not permitted: a clone is a new file for every file, sharing
 * its blocks (FICLONE, clonefile). Takes no space, but time that grows with size and with how much of it
 * is not written back or fragmented: tenths of a second at rest, seconds from a busy parent.
 */
export function createReflinkDriver(root: string, user: OsUser | undefined): VolumeDriver {
  return createFileDriver(root, {
    kind: 'reflink',
    user,
    copyMode: constants.COPYFILE_FICLONE_FORCE,
    warning: undefined,
  })
}

import type { OsUser } from '../lib/exec.ts'
import { createBtrfsDriver } from './btrfs.ts'
import { createCopyDriver } from './copy.ts'
import { createReflinkDriver } from './reflink.ts'
import type { VolumeDriver } from './volume.ts'

/** The drivers, best first. */
export const driverKinds = ['btrfs', 'reflink', 'copy'] as const
export type DriverKind = (typeof driverKinds)[number]

/** The driver of that kind, whether or not it works in this directory. */
export function createVolumeDriver(
  kind: DriverKind,
  root: string,
  user: OsUser | undefined,
): VolumeDriver {
  switch (kind) {
    case 'btrfs':
      return createBtrfsDriver(root, user)
    case 'reflink':
      return createReflinkDriver(root, user)
    case 'copy':
      return createCopyDriver(root, user)
  }
}

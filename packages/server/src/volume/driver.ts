import { statfs } from 'node:fs/promises'
import { join } from 'node:path'

import { assert } from '../lib/assert.ts'
import { cleanClone } from './clean-clone.ts'
import { assertOwnTree } from './own-tree.ts'
import { reportPoolFull } from './pool-full.ts'
import {
  hasVolume,
  listVolumes,
  makeSlot,
  removeSlot,
  renameSlot,
  sweepSlots,
  volumePath,
} from './slots.ts'
import type { LiveSource, VolumeDriver, VolumeUsage } from './volume.ts'

/** What sets one driver apart; names, hiding and renaming are the same for all. */
export interface VolumeMedium {
  kind: VolumeDriver['kind']
  isAtomic: boolean
  warning: string | undefined
  /** Makes the empty directory `data`, owned by the database's OS user, which alone may enter it. */
  create: (data: string) => Promise<void>
  /** Makes `data` from `source`. It may leave a part of it behind when it fails. */
  clone: (source: string, data: string, live: LiveSource | undefined) => Promise<void>
  /** Makes what `clone` and the cleaning after it have done survive a power cut. */
  flush: (data: string) => Promise<void>
  /** Removes a slot with whatever is in it, be it half-made. */
  clear: (slot: string) => Promise<void>
  usage: (data: string) => Promise<VolumeUsage>
  reclaim: () => Promise<void>
}

export function createDriver(root: string, medium: VolumeMedium): VolumeDriver {
  const path = (id: string): string => volumePath(root, id)
  const make = async (id: string, fill: (data: string) => Promise<void>): Promise<void> =>
    reportPoolFull(makeSlot(root, id, fill, medium.clear))

  return {
    kind: medium.kind,
    root,
    isAtomic: medium.isAtomic,
    warning: medium.warning,
    path,
    exists: async (id) => hasVolume(root, id),
    list: async () => listVolumes(root),
    create: async (id) => make(id, medium.create),
    clone: async (source, id, live) => {
      assert(await hasVolume(root, source), `volume ${source}, to be cloned, exists`)
      await assertOwnTree(join(path(source), 'pgdata'))
      await make(id, async (data) => {
        await medium.clone(path(source), data, live)
        await cleanClone(join(data, 'pgdata'))
        await medium.flush(data)
      })
    },
    rename: async (from, to) => renameSlot(root, from, to),
    destroy: async (id) => removeSlot(root, id, medium.clear),
    sweep: async () => sweepSlots(root, medium.clear),
    usage: async (id) => medium.usage(path(id)),
    space: async () => {
      const { bsize, blocks, bavail } = await statfs(root)
      return { totalBytes: blocks * bsize, freeBytes: bavail * bsize }
    },
    reclaim: medium.reclaim,
  }
}

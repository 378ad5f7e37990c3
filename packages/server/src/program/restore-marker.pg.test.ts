import { readFile, writeFile } from 'node:fs/promises'

import { afterEach, expect, test } from 'vitest'

import { homePaths } from '../lib/home.ts'
import { Cleanup } from '../volume/testing/cleanup.ts'
import { canMount, cutPower, type FileSystem, mountImage } from '../volume/testing/pools.ts'
import { markRestoring, refuseUnfinished, unmarkRestoring } from './restore-marker.ts'

const cleanup = new Cleanup()
const fileSystems: FileSystem[] = ['ext4', 'xfs', 'btrfs']

afterEach(async () => cleanup.run())

test.runIf(canMount).each(fileSystems)(
  'what was restored to %s is there after a power cut once its mark is gone',
  async (fileSystem) => {
    const mounted = await mountImage(fileSystem, 512 * 1024 ** 2, cleanup)
    const home = homePaths(mounted)
    await markRestoring(home, 'a backup')
    await writeFile(home.secretKey, 'the key of all passwords')
    await unmarkRestoring(home)
    const after = homePaths(await cutPower(mounted, cleanup))
    await refuseUnfinished(after)
    expect(await readFile(after.secretKey, 'utf8')).toBe('the key of all passwords')
  },
)

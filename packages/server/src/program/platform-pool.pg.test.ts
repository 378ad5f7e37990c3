import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { createHome, type Home, homePaths } from '../lib/home.ts'
import { unmountPoolImage } from '../volume/pool-image.ts'
import { Cleanup } from '../volume/testing/cleanup.ts'
import { canMount } from '../volume/testing/pools.ts'
import { openPlatformPool, type PlatformPool } from './platform-pool.ts'

const cleanup = new Cleanup()
let home: Home

beforeEach(async () => {
  const root = await mkdtemp(join(tmpdir(), 'coppice-pool-'))
  cleanup.add(async () => rm(root, { recursive: true, force: true }))
  await chmod(root, 0o711)
  home = homePaths(root)
  await createHome(home)
})

afterEach(async () => cleanup.run())

/** As a start does that has nothing remembered: what is remembered is written down at its very end. */
async function openFirst(): Promise<PlatformPool> {
  return openPlatformPool(home, { saved: {}, poolSize: '1G' }, undefined, () => undefined)
}

const unmount = async (): Promise<void> =>
  unmountPoolImage({ imagePath: home.poolImage, mountPoint: home.pool })

describe.runIf(canMount)('as root', () => {
  beforeEach(() => cleanup.add(unmount))

  test('the image of a first start that came to nothing is the pool of the next', async () => {
    const { volumes } = await openFirst()
    await volumes.create('main')
    const next = await openFirst()
    expect(next.saved).toEqual({ pool_image: home.poolImage })

    // As after a reboot.
    await unmount()
    const { volumes: found, saved } = await openFirst()
    expect(saved).toEqual({ pool_image: home.poolImage })
    expect([found.kind, await found.list()]).toEqual(['btrfs', ['main']])
  })

  test('what is left of an image that was not finished is in nobody’s way', async () => {
    await writeFile(`${home.poolImage}.unfinished`, 'half')
    const { volumes } = await openFirst()
    expect(volumes.kind).toBe('btrfs')
    expect((await readdir(home.root)).filter((name) => name.startsWith('pool.'))).toEqual([
      'pool.img',
    ])
  })
})

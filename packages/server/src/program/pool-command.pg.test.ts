import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { readEnvironment } from '../lib/config.ts'
import { type Home, homePaths } from '../lib/home.ts'
import { unmountPoolImage } from '../volume/pool-image.ts'
import { Cleanup } from '../volume/testing/cleanup.ts'
import { canMount } from '../volume/testing/pools.ts'
import { poolCommand, type PoolReport } from './pool-command.ts'

const nobody = { uid: 65_534, gid: 65_534 }
const cleanup = new Cleanup()
let directory: string
let home: Home

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coppice-pool-command-'))
  cleanup.add(async () => rm(directory, { recursive: true, force: true }))
  await chmod(directory, 0o711)
})

afterEach(async () => cleanup.run())

async function run(action: string, size?: string): Promise<PoolReport> {
  return poolCommand(home, readEnvironment(), action, size)
}

describe.runIf(canMount)('root, in the state directory of somebody else', () => {
  beforeEach(async () => {
    home = homePaths(join(directory, 'home'))
    await mkdir(home.root)
    await chown(home.root, nobody.uid, nobody.gid)
    cleanup.add(async () => unmountPoolImage({ imagePath: home.poolImage, mountPoint: home.pool }))
  })

  test('makes nothing but the pool, for them', async () => {
    const made = await run('create', '1G')
    expect(made).toMatchObject({ driver: 'btrfs', image: home.poolImage })
    expect((await readdir(home.root)).toSorted()).toEqual(['pool', 'pool.img'])
    expect(await lstat(home.pool)).toMatchObject(nobody)
    expect((await lstat(home.pool)).mode & 0o777).toBe(0o711)
    await expect(run('create', '1G')).rejects.toThrow('has a pool image already')
    expect(await run('grow', '2G')).toMatchObject({ total_bytes: 2 * 1024 ** 3 })
  })

  test('follows no link and no setting of theirs to another place', async () => {
    const elsewhere = join(directory, 'elsewhere')
    await mkdir(elsewhere)
    await symlink(elsewhere, home.pool)
    await expect(run('create', '1G')).rejects.toThrow('move what is in the way away')
    await rm(home.pool)
    await run('create', '1G')
    await unmountPoolImage({ imagePath: home.poolImage, mountPoint: home.pool })
    await writeFile(home.config, JSON.stringify({ pool_image: elsewhere }))
    await expect(run('mount')).rejects.toThrow('move what is in the way away')
    await rm(home.config)
    await chown(home.poolImage, nobody.uid, nobody.gid)
    await expect(run('mount')).rejects.toThrow('move what is in the way away')
    expect(await readdir(elsewhere)).toEqual([])
  })
})

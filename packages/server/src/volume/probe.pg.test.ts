import { chmod, chown, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterEach, expect, test } from 'vitest'

import { exec, type OsUser } from '../lib/exec.ts'
import { openPool, probePool } from './probe.ts'
import { childArguments } from './testing/child.ts'
import { Cleanup } from './testing/cleanup.ts'
import {
  canMount,
  findDatabaseUser,
  findUser,
  isRoot,
  makeDirectory,
  mountImage,
} from './testing/pools.ts'

const MiB = 1024 ** 2
const cleanup = new Cleanup()

afterEach(async () => cleanup.run())

test.runIf(canMount).each([
  { fileSystem: 'btrfs', driver: 'btrfs', works: [true, true, true] },
  { fileSystem: 'xfs', driver: 'reflink', works: [false, true, true] },
  { fileSystem: 'ext4', driver: 'copy', works: [false, false, true] },
] as const)('finds $driver on $fileSystem, and leaves nothing', async (expected) => {
  const root = await mountImage(expected.fileSystem, 512 * MiB, cleanup)
  const before = await readdir(root)
  const probe = await probePool(root, await findDatabaseUser())
  const { btrfs, reflink, copy } = probe.drivers
  expect([btrfs.works, reflink.works, copy.works]).toEqual(expected.works)
  expect(probe).toMatchObject({ root, driver: expected.driver, isReachable: true })
  expect(probe.warnings.join()).toMatch(expected.driver === 'copy' ? /pool create/ : /^$/)
  expect(await readdir(root)).toEqual(before)
})

test('works in any directory, which it makes', async () => {
  const root = join(await makeDirectory(cleanup), 'new/pool')
  const probe = await probePool(root, undefined)
  expect(probe.drivers.copy).toMatchObject({ works: true, cloneMs: expect.any(Number) })
  expect(JSON.parse(JSON.stringify(probe))).toEqual(probe)
  expect(await readdir(root)).toEqual([])
})

test.runIf(isRoot)('says when the database user cannot reach the pool', async () => {
  const directory = await makeDirectory(cleanup)
  await mkdir(join(directory, 'pool'))
  await chmod(directory, 0o700)
  const user = await findDatabaseUser()
  const probe = await probePool(join(directory, 'pool'), user)
  expect(probe.isReachable).toBe(false)
  expect(probe.warnings.join()).toContain(`${user?.name} cannot reach`)
})

test('keeps to the driver that a pool was opened with', async () => {
  const root = join(await makeDirectory(cleanup), 'pool')
  const first = await openPool(root, undefined)
  expect(await readdir(root)).toEqual(['driver'])
  await writeFile(join(root, 'driver'), 'reflink\n')
  expect((await openPool(root, undefined)).kind).toBe('reflink')
  await writeFile(join(root, 'driver'), 'tape\n')
  await expect(openPool(root, undefined)).rejects.toThrow('no volume driver')
  await rm(join(root, 'driver'))
  expect((await openPool(root, undefined)).kind).toBe(first.kind)
})

// Snapshots need no root; deleting them needs a mount option, or one removes the files.
test.runIf(canMount).each(['user_subvol_rm_allowed', 'noatime'])(
  'a plain user snapshots on btrfs mounted with %s',
  async (mountOption) => {
    const root = await mountImage('btrfs', 256 * MiB, cleanup, mountOption)
    const user = await plainUser()
    await chown(root, user.uid, user.gid)
    const output = await exec(process.execPath, childArguments('probe-child.ts', root), { user })
    expect(JSON.parse(output)).toMatchObject({ driver: 'btrfs', warnings: [] })
    expect(await readdir(root)).toEqual([])
    expect(await exec('btrfs', ['subvolume', 'list', root])).toBe('')
  },
)

async function plainUser(): Promise<OsUser> {
  const user = await findUser('nobody')
  if (!user) throw new Error('this machine has no user nobody')
  return user
}

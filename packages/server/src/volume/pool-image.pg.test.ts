import {
  access,
  chown,
  lstat,
  mkdir,
  open,
  readFile,
  rename,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { must } from '../lib/assert.ts'
import { exec, type OsUser } from '../lib/exec.ts'
import { attachLoopDevice, loopDevicesOf } from './loop-device.ts'
import { findMount } from './mounts.ts'
import {
  canCreatePoolImage,
  createPoolImage,
  growPoolImage,
  isMounted,
  minPoolImageBytes,
  mountPoolImage,
  renderFstabLine,
  unmountPoolImage,
} from './pool-image.ts'
import { openPool } from './probe.ts'
import { Cleanup } from './testing/cleanup.ts'
import { canMount, findUser, isRoot, makeDirectory } from './testing/pools.ts'

const GiB = 1024 ** 3
const cleanup = new Cleanup()
let image: { imagePath: string; mountPoint: string }

beforeEach(async () => {
  const directory = await makeDirectory(cleanup)
  image = { imagePath: join(directory, 'deep/pool.img'), mountPoint: join(directory, 'mnt') }
})

afterEach(async () => cleanup.run())

/** A plain user, whose directory the pool is in. */
async function ownerOfPlace(): Promise<OsUser> {
  const user = must(await findUser('nobody'), 'every system has it')
  await chown(dirname(image.mountPoint), user.uid, user.gid)
  return user
}

test.skipIf(isRoot)('says why a plain user cannot make a pool', async () => {
  const support = await canCreatePoolImage()
  expect(support).toMatchObject({ possible: false, reason: expect.stringMatching(/root|Linux/) })
  const creation = createPoolImage({ ...image, sizeBytes: GiB })
  await expect(creation).rejects.toMatchObject({ code: 'not_available' })
})

describe.runIf(canMount)('as root', () => {
  beforeEach(() => cleanup.add(async () => unmountPoolImage(image)))

  test('makes a sparse pool that the best driver works in, for the user that runs it', async () => {
    expect(await canCreatePoolImage()).toEqual({ possible: true })
    const user = await ownerOfPlace()
    await createPoolImage({ ...image, sizeBytes: 2 * GiB, user })

    const { size, blocks, mode } = await stat(image.imagePath)
    expect(size).toBe(2 * GiB)
    expect(blocks * 512).toBeLessThan(64 * 1024 ** 2)
    expect(mode & 0o777).toBe(0o600)
    const { uid, mode: directoryMode } = await lstat(image.mountPoint)
    expect([uid, directoryMode & 0o777]).toEqual([user.uid, 0o711])
    const volumes = await openPool(image.mountPoint, undefined)
    expect(volumes.kind).toBe('btrfs')
    expect((await volumes.space()).totalBytes).toBe(2 * GiB)
  })

  test('mounts and unmounts, both repeatable, and finds its volumes again', async () => {
    await createPoolImage({ ...image, sizeBytes: GiB })
    await (await openPool(image.mountPoint, undefined)).create('main')
    await mountPoolImage(image)
    expect(await loopDevicesOf(image.imagePath)).toHaveLength(1)

    await unmountPoolImage(image)
    await unmountPoolImage(image)
    expect(await isMounted(image)).toBe(false)
    expect(await loopDevicesOf(image.imagePath)).toEqual([])

    await mountPoolImage(image)
    expect(await isMounted(image)).toBe(true)
    expect(await (await openPool(image.mountPoint, undefined)).list()).toEqual(['main'])
  })

  test('nothing in it is a program with rights or a device', async () => {
    await createPoolImage({ ...image, sizeBytes: GiB })
    const options = await exec('findmnt', ['-no', 'OPTIONS', image.mountPoint])
    expect(options.split(',')).toEqual(expect.arrayContaining(['nosuid', 'nodev']))
  })

  test('an image that takes the place of the one that was looked at is not attached', async () => {
    const other = join(dirname(image.imagePath), 'other.img')
    await mkdir(dirname(other))
    for (const path of [image.imagePath, other]) await writeFile(path, Buffer.alloc(1024 ** 2))
    const file = await open(image.imagePath, 'r+')
    try {
      await rename(other, image.imagePath)
      await expect(attachLoopDevice(file)).rejects.toThrow('(deleted)')
    } finally {
      await file.close()
    }
    expect(await loopDevicesOf(image.imagePath)).toEqual([])
  })

  test('for a plain user an image of their own making is not mounted', async () => {
    const user = await ownerOfPlace()
    await createPoolImage({ ...image, sizeBytes: GiB, user })
    await unmountPoolImage(image)
    await chown(image.imagePath, user.uid, user.gid)
    await expect(mountPoolImage({ ...image, user })).rejects.toThrow('not one that root has made')
    expect(await loopDevicesOf(image.imagePath)).toEqual([])
  })

  test('for a plain user it is mounted where they could have made a directory, and nowhere else', async () => {
    const user = await findUser('nobody')
    const place = dirname(image.imagePath)
    await mkdir(join(place, 'of-root', 'pool'), { recursive: true })
    await symlink(join(place, 'of-root'), join(place, 'link'))
    const elsewhere = { ...image, mountPoint: join(place, 'link', 'pool'), user }
    await expect(createPoolImage({ ...elsewhere, sizeBytes: GiB })).rejects.toThrow(
      'is not in a directory of user',
    )
    expect(await loopDevicesOf(image.imagePath)).toEqual([])
  })

  test('gives free what a crash has left attached', async () => {
    await createPoolImage({ ...image, sizeBytes: GiB })
    await unmountPoolImage(image)
    await exec('losetup', ['--find', image.imagePath])
    await mountPoolImage(image)
    expect(await loopDevicesOf(image.imagePath)).toHaveLength(1)
    await unmountPoolImage(image)
    expect(await loopDevicesOf(image.imagePath)).toEqual([])
  })

  test('grows while it is in use', async () => {
    await createPoolImage({ ...image, sizeBytes: GiB })
    const volumes = await openPool(image.mountPoint, undefined)
    await volumes.create('main')
    await growPoolImage({ ...image, sizeBytes: 3 * GiB })
    expect((await volumes.space()).totalBytes).toBe(3 * GiB)
    expect(await volumes.list()).toEqual(['main'])
    const shrinking = growPoolImage({ ...image, sizeBytes: 2 * GiB })
    await expect(shrinking).rejects.toMatchObject({ code: 'invalid_request' })
    await unmountPoolImage(image)
    const unmounted = growPoolImage({ ...image, sizeBytes: 4 * GiB })
    await expect(unmounted).rejects.toMatchObject({ code: 'invalid_request' })
  })

  test('refuses what is too small, in the way or not there', async () => {
    const invalid = { code: 'invalid_request' }
    const small = createPoolImage({ ...image, sizeBytes: minPoolImageBytes - 1 })
    await expect(small).rejects.toMatchObject(invalid)
    await expect(mountPoolImage(image)).rejects.toMatchObject(invalid)

    await mkdir(image.mountPoint)
    await writeFile(join(image.mountPoint, 'file'), 'kept')
    const onFiles = createPoolImage({ ...image, sizeBytes: GiB })
    await expect(onFiles).rejects.toMatchObject(invalid)
    await expect(access(image.imagePath)).rejects.toThrow('ENOENT')

    const existing = { ...image, imagePath: join(image.mountPoint, 'file') }
    const mountPoint = join(image.mountPoint, '../other')
    const overFile = createPoolImage({ ...existing, mountPoint, sizeBytes: GiB })
    await expect(overFile).rejects.toMatchObject(invalid)
    expect(await readFile(existing.imagePath, 'utf8')).toBe('kept')
  })

  test('leaves no image behind when it cannot be mounted', async () => {
    await mkdir(join(image.mountPoint, '..'), { recursive: true })
    await writeFile(image.mountPoint, 'a file where the directory should be')
    await expect(createPoolImage({ ...image, sizeBytes: GiB })).rejects.toThrow('ENOTDIR')
    await expect(access(image.imagePath)).rejects.toThrow('ENOENT')
  })

  test('does not take another mount for its own', async () => {
    await createPoolImage({ ...image, sizeBytes: GiB })
    const other = { ...image, imagePath: `${image.imagePath}.other` }
    await writeFile(other.imagePath, '')
    await truncate(other.imagePath, GiB)
    await expect(isMounted(other)).rejects.toMatchObject({ code: 'invalid_request' })
    expect(await findMount(image.mountPoint)).toMatchObject({ fileSystem: 'btrfs' })
  })

  test('warns of a pool that its disk cannot hold', async () => {
    const { warning } = await createPoolImage({ ...image, sizeBytes: 8 * 1024 * GiB })
    expect(warning).toContain('larger than the disk')
  })
})

test('renders a line for fstab', () => {
  expect(renderFstabLine({ imagePath: '/srv/my pool.img', mountPoint: '/srv/pool' })).toBe(
    String.raw`/srv/my\040pool.img /srv/pool btrfs loop,nosuid,nodev,noatime,user_subvol_rm_allowed,discard=async,commit=5,nofail 0 0`,
  )
})

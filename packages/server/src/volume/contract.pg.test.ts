import {
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { errorCode } from '../lib/errors.ts'
import { exec, type OsUser } from '../lib/exec.ts'
import { createVolumeDriver, type DriverKind } from './driver-kinds.ts'
import { Cleanup } from './testing/cleanup.ts'
import { until } from './testing/poll.ts'
import {
  canMount,
  type FileSystem,
  findDatabaseUser,
  isRoot,
  makeDirectory,
  mountImage,
} from './testing/pools.ts'
import type { LiveSource, VolumeDriver } from './volume.ts'

const MiB = 1024 ** 2

/** Of a cluster that needs nothing to hold still. */
const freeSource: LiveSource = {
  begin: async () => undefined,
  end: async () => ({}),
  release: async () => undefined,
}

const pools: Array<{ kind: DriverKind; fileSystem: FileSystem; sizeBytes: number }> = [
  { kind: 'btrfs', fileSystem: 'btrfs', sizeBytes: 384 * MiB },
  { kind: 'reflink', fileSystem: 'xfs', sizeBytes: 512 * MiB },
  { kind: 'reflink', fileSystem: 'btrfs', sizeBytes: 384 * MiB },
  { kind: 'copy', fileSystem: 'ext4', sizeBytes: 384 * MiB },
]

// Without root, only what works in any directory.
describe.each(pools.filter(({ kind }) => canMount || kind === 'copy'))(
  '$kind on $fileSystem',
  ({ kind, fileSystem, sizeBytes }) => {
    const cleanup = new Cleanup()
    let pool: string
    let root: string
    let user: OsUser | undefined
    let driver: VolumeDriver

    beforeAll(async () => {
      user = await findDatabaseUser()
      pool = canMount
        ? await mountImage(fileSystem, sizeBytes, cleanup)
        : await makeDirectory(cleanup)
    })

    afterAll(async () => cleanup.run())

    beforeEach(async () => {
      root = join(pool, 'pool')
      await mkdir(root)
      driver = createVolumeDriver(kind, root, user)
    })

    afterEach(async () => {
      await rm(join(pool, 'filler'), { recursive: true, force: true })
      for (const id of await driver.list()) await driver.destroy(id)
      await driver.sweep()
      await rm(root, { recursive: true, force: true })
    })

    const slotNames = async (): Promise<string[]> => readdir(join(root, 'volumes'))
    const file = (id: string, name = 'file'): string => join(driver.path(id), name)
    const read = async (id: string): Promise<string> => readFile(file(id), 'utf8')

    test('lists nothing in a new pool', async () => {
      expect(await driver.list()).toEqual([])
      expect(await driver.exists('main')).toBe(false)
      expect(await driver.sweep()).toBe(0)
    })

    test('creates an empty volume that only the database user may enter', async () => {
      await driver.create('main')
      expect(await driver.list()).toEqual(['main'])
      expect(await driver.exists('main')).toBe(true)
      expect(await readdir(driver.path('main'))).toEqual([])
      const { mode, uid, gid } = await lstat(driver.path('main'))
      expect(mode & 0o777).toBe(0o700)
      expect([uid, gid]).toEqual([user?.uid ?? process.getuid?.(), user?.gid ?? process.getgid?.()])
    })

    test.runIf(isRoot)('lets the database user in and others not', async () => {
      await driver.create('main')
      await exec('touch', [file('main')], { user })
      const stranger = { name: 'stranger', uid: 64_999, gid: 64_999 }
      await expect(exec('ls', [driver.path('main')], { user: stranger })).rejects.toThrow(
        'ls failed',
      )
    })

    test('clones, and keeps writes apart both ways', async () => {
      await driver.create('main')
      await writeFile(file('main'), 'before')
      await driver.clone('main', 'branch')
      expect(await read('branch')).toBe('before')

      await writeFile(file('branch'), 'of the branch')
      await writeFile(file('main'), 'of main')
      await driver.clone('branch', 'leaf')

      expect(await read('main')).toBe('of main')
      expect(await read('branch')).toBe('of the branch')
      expect(await read('leaf')).toBe('of the branch')
      expect(await driver.list()).toEqual(['branch', 'leaf', 'main'])
    })

    test.each([
      { what: 'at rest', live: undefined },
      { what: 'that runs', live: freeSource },
    ])('clones a source $what with modes, owners, links and directories', async ({ live }) => {
      await driver.create('main')
      await mkdir(file('main', 'sub/empty'), { recursive: true })
      await exec('chmod', ['2750', file('main', 'sub')])
      await writeFile(file('main', 'sub/secret'), 'x', { mode: 0o640 })
      await exec('ln', ['-s', 'secret', file('main', 'sub/link')])
      await mkdir(file('main', 'pgdata/pg_wal'), { recursive: true })
      if (user) await exec('chown', ['-R', `${user.uid}:${user.gid}`, file('main', 'sub')])

      await driver.clone('main', 'branch', live)

      for (const name of ['sub', 'sub/empty', 'sub/secret', 'sub/link']) {
        const [source, clone] = await Promise.all([
          lstat(file('main', name)),
          lstat(file('branch', name)),
        ])
        expect([name, clone.mode, clone.uid, clone.gid]).toEqual([
          name,
          source.mode,
          source.uid,
          source.gid,
        ])
      }
    })

    test('takes what belongs to the source out of a clone', async () => {
      await driver.create('main')
      await mkdir(file('main', 'pgdata/pg_replslot/history'), { recursive: true })
      await writeFile(file('main', 'pgdata/postmaster.pid'), '1')
      await driver.clone('main', 'branch')
      expect(await readdir(file('branch', 'pgdata'))).toEqual(['pg_replslot'])
      expect(await readdir(file('branch', 'pgdata/pg_replslot'))).toEqual([])
      expect(await readdir(file('main', 'pgdata'))).toContain('postmaster.pid')
    })

    test('refuses to share what lies outside of the source', async () => {
      await driver.create('main')
      await mkdir(file('main', 'pgdata/pg_tblspc'), { recursive: true })
      await exec('ln', ['-s', '/elsewhere', file('main', 'pgdata/pg_tblspc/16999')])
      const clone = driver.clone('main', 'branch')
      await expect(clone).rejects.toMatchObject({ code: 'not_available' })
      expect(await driver.list()).toEqual(['main'])
    })

    test('renames to a free name only', async () => {
      await driver.create('main')
      await writeFile(file('main'), 'kept')
      await driver.rename('main', 'trunk')
      expect(await driver.list()).toEqual(['trunk'])
      expect(await read('trunk')).toBe('kept')
      await driver.create('main')
      await expect(driver.rename('main', 'trunk')).rejects.toThrow('trunk')
      await expect(driver.rename('nothing', 'other')).rejects.toThrow('ENOENT')
    })

    test('destroys, again and again', async () => {
      await driver.create('main')
      await writeFile(file('main'), 'x')
      await driver.clone('main', 'branch')
      await driver.destroy('main')
      await driver.destroy('main')
      await driver.destroy('never-there')
      expect(await driver.list()).toEqual(['branch'])
      expect(await read('branch')).toBe('x')
      expect(await slotNames()).toEqual(['branch'])
    })

    test('refuses to make what is there, from what is not, and twice at once', async () => {
      await driver.create('main')
      await writeFile(file('main'), 'kept')
      await driver.create('other')
      await expect(driver.create('main')).rejects.toThrow('main')
      await expect(driver.clone('other', 'main')).rejects.toThrow('main')
      await expect(driver.clone('nothing', 'branch')).rejects.toThrow('nothing')
      const clones = await Promise.allSettled(
        Array.from({ length: 4 }, async () => driver.clone('main', 'branch')),
      )
      expect(clones.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      expect(await read('main')).toBe('kept')
      expect(await read('branch')).toBe('kept')
      expect(await slotNames()).toEqual(['branch', 'main', 'other'])
    })

    test.each(['', '.', '..', '../main', 'a/b', '.main.partial', 'Main', 'a b', 'x'.repeat(81)])(
      'refuses the id %j',
      async (id) => {
        await driver.create('main')
        expect(() => driver.path(id)).toThrow('volume id')
        await expect(driver.create(id)).rejects.toThrow('volume id')
        await expect(driver.clone('main', id)).rejects.toThrow('volume id')
        await expect(driver.clone(id, 'branch')).rejects.toThrow('volume id')
        await expect(driver.rename('main', id)).rejects.toThrow('volume id')
        await expect(driver.destroy(id)).rejects.toThrow('volume id')
        expect(await slotNames()).toEqual(['main'])
      },
    )

    test('sweeps what a crash has left, and nothing else', async () => {
      for (const id of ['main', 'made', 'gone']) {
        await driver.create(id)
        await writeFile(file(id), id)
      }
      const slot = (name: string): string => join(root, 'volumes', name)
      await rename(slot('made'), slot('.made.partial'))
      await rename(slot('gone'), slot('.gone.0123abcd.destroyed'))
      await mkdir(slot('.empty.partial'))
      expect(await driver.list()).toEqual(['main'])

      expect(await driver.sweep()).toBe(3)

      expect(await slotNames()).toEqual(['main'])
      expect(await read('main')).toBe('main')
      await driver.create('made')
    })

    test('tells what a volume holds, and what it holds alone', async () => {
      await driver.create('main')
      await writeBytes(file('main'), 16 * MiB)
      await driver.clone('main', 'branch')
      const { referencedBytes, exclusiveBytes } = await driver.usage('branch')
      expect(referencedBytes).toBeGreaterThanOrEqual(16 * MiB)
      expect(referencedBytes).toBeLessThan(18 * MiB)
      const expected = { btrfs: 0, reflink: undefined, copy: referencedBytes }[kind]
      // A snapshot has a few blocks of metadata of its own.
      expect(exclusiveBytes && Math.max(exclusiveBytes - MiB, 0)).toBe(
        expected && Math.max(expected - MiB, 0),
      )
    })

    test.runIf(canMount)('gives space back once reclaimed', async () => {
      await driver.create('main')
      await writeBytes(file('main'), 64 * MiB)
      await exec('sync', ['--file-system', root])
      const before = await driver.space()
      expect(before.totalBytes).toBeGreaterThan(0.8 * sizeBytes)
      expect(before.totalBytes).toBeLessThanOrEqual(sizeBytes)
      await driver.destroy('main')
      await driver.reclaim()
      // Some file systems free the last of it a moment later.
      const isBack = async (): Promise<boolean> =>
        (await driver.space()).freeBytes > before.freeBytes + 60 * MiB
      await until('the space is back', isBack, 2000)
    })

    test.runIf(canMount && kind === 'copy')('refuses a copy that cannot fit', async () => {
      await driver.create('main')
      await writeBytes(file('main'), 0.6 * sizeBytes)
      const { freeBytes } = await driver.space()
      await expect(driver.clone('main', 'branch')).rejects.toMatchObject({ code: 'pool_full' })
      expect(await slotNames()).toEqual(['main'])
      expect((await driver.space()).freeBytes).toBe(freeBytes)
    })

    test.runIf(canMount)('leaves nothing behind when space runs out', async () => {
      await driver.create('main')
      await writeBytes(file('main'), 8 * MiB)
      await mkdir(join(pool, 'filler'))
      // The pool fills up while the clone is on its way, for drivers that take part in that.
      const live: LiveSource = {
        ...freeSource,
        begin: async () => fill(join(pool, 'filler')),
        end: async () => ({ backup_label: 'x'.repeat(64 * 1024) }),
      }
      await mkdir(file('main', 'pgdata/pg_wal'), { recursive: true })
      if (driver.isAtomic) await fill(join(pool, 'filler'))
      const { made, error } = await cloneUntilFull(driver, live)

      expect(error).toMatchObject({ code: 'pool_full' })
      expect((await slotNames()).toSorted()).toEqual(['main', ...made].toSorted())
      await rm(join(pool, 'filler'), { recursive: true })
      await driver.reclaim()
      await driver.clone('main', 'again')
    })
  },
)

/** Clones until it fails; answers with what, and what was made before. A snapshot needs little. */
async function cloneUntilFull(
  driver: VolumeDriver,
  live: LiveSource,
): Promise<{ made: string[]; error: unknown }> {
  const made: string[] = []
  for (let i = 0; i < 2000; i++) {
    try {
      await driver.clone('main', `clone-${i}`, live)
      made.push(`clone-${i}`)
    } catch (error) {
      return { made, error }
    }
  }
  throw new Error('the pool was never full')
}

async function writeBytes(path: string, sizeBytes: number): Promise<void> {
  const handle = await open(path, 'w')
  try {
    const chunk = Buffer.alloc(MiB, 'coppice ')
    for (let at = 0; at < sizeBytes; at += MiB) await handle.write(chunk)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Takes all space there is: with a large file, then with links, which btrfs keeps in its metadata. */
async function fill(directory: string): Promise<void> {
  await ignoreFull(writeBytes(join(directory, 'large'), 1024 * MiB))
  const target = 'x'.repeat(900)
  const makeLinks = async (): Promise<void> => {
    for (let i = 0; i < 100_000; i++) await symlink(target, join(directory, `link-${i}`))
  }
  await ignoreFull(makeLinks())
}

async function ignoreFull(work: Promise<void>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (errorCode(error) !== 'ENOSPC') throw error
  }
}

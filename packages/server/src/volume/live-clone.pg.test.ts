import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterEach, describe, expect, test } from 'vitest'

import type { OsUser } from '../lib/exec.ts'
import { createVolumeDriver, type DriverKind } from './driver-kinds.ts'
import { countTransfers, createBank, findCorruption, keepBusy, readSums } from './testing/bank.ts'
import { Cleanup } from './testing/cleanup.ts'
import {
  type Connect,
  createLiveSource,
  findInstallations,
  initCluster,
  type Installation,
  startCluster,
} from './testing/cluster.ts'
import {
  canMount,
  type FileSystem,
  findDatabaseUser,
  makeDirectory,
  mountImage,
} from './testing/pools.ts'
import type { VolumeDriver } from './volume.ts'

const imageBytes = 3 * 1024 ** 3
const cleanup = new Cleanup()

afterEach(async () => cleanup.run())

const pools: Array<{ kind: DriverKind; fileSystem: FileSystem }> = [
  { kind: 'btrfs', fileSystem: 'btrfs' },
  { kind: 'reflink', fileSystem: 'xfs' },
  { kind: 'copy', fileSystem: 'ext4' },
]
// The interface of `pg_backup_start` is that of 15 and up.
const installations = (await findInstallations()).filter(({ version }) => version >= 15)

describe.each(installations)('PostgreSQL $version', (installation) => {
  test.each(pools.filter(({ kind }) => canMount || kind === 'copy'))(
    'cloned by $kind while it writes, starts, is consistent and goes its own way',
    async ({ kind, fileSystem }) => {
      const { driver, start } = await openTestPool(kind, fileSystem, installation)
      const connect = await start('main', { isNew: true })
      const source = connect()
      cleanup.add(async () => source.end({ timeout: 1 }))
      await createBank(source)
      await keepBusy(connect, cleanup)

      const before = await countTransfers(source)
      await driver.clone('main', 'branch', createLiveSource(connect))
      const after = await countTransfers(source)

      const files = await readdir(join(driver.path('branch'), 'pgdata'))
      expect(files).not.toContain('postmaster.pid')
      expect(files.includes('backup_label')).toBe(!driver.isAtomic)
      const clone = (await start('branch'))()
      cleanup.add(async () => clone.end({ timeout: 1 }))
      const transfers = await countTransfers(clone)
      expect(transfers).toBeGreaterThanOrEqual(before)
      expect(transfers).toBeLessThanOrEqual(after)
      expect(new Set(await readSums(clone)).size).toBe(1)
      expect(await findCorruption(clone)).toEqual([])
      expect(await clone`select slot_name from pg_replication_slots`).toHaveLength(0)

      await clone`insert into history (amount) values (1)`
      await clone`checkpoint`
      expect(await countTransfers(clone)).toBe(transfers + 1)
      expect(new Set(await readSums(source)).size).toBe(1)
    },
  )

  test.each(pools.filter(({ kind }) => kind !== 'btrfs' && (canMount || kind === 'copy')))(
    'a clone by $kind that was never started can itself be cloned',
    async ({ kind, fileSystem }) => {
      const { driver, start } = await openTestPool(kind, fileSystem, installation)
      const connect = await start('main', { isNew: true })
      const source = connect()
      cleanup.add(async () => source.end({ timeout: 1 }))
      await createBank(source)
      await keepBusy(connect, cleanup)
      await driver.clone('main', 'branch', createLiveSource(connect))
      await driver.clone('branch', 'leaf')

      const label = join('pgdata', 'backup_label')
      expect(await readFile(join(driver.path('leaf'), label), 'utf8')).toBe(
        await readFile(join(driver.path('branch'), label), 'utf8'),
      )
      const leaf = (await start('leaf'))()
      cleanup.add(async () => leaf.end({ timeout: 1 }))
      expect(new Set(await readSums(leaf)).size).toBe(1)
      expect(await findCorruption(leaf)).toEqual([])
    },
  )
})

interface TestPool {
  driver: VolumeDriver
  /** Starts the cluster of a volume, made first where it is new. */
  start: (id: string, options?: { isNew: boolean }) => Promise<Connect>
}

async function openTestPool(
  kind: DriverKind,
  fileSystem: FileSystem,
  installation: Installation,
): Promise<TestPool> {
  const user: OsUser | undefined = await findDatabaseUser()
  const directory = await makeDirectory(cleanup)
  const root = canMount
    ? await mountImage(fileSystem, imageBytes, cleanup)
    : join(directory, 'pool')
  await mkdir(root, { recursive: true })
  const driver = createVolumeDriver(kind, root, user)
  return {
    driver,
    start: async (id, { isNew } = { isNew: false }) => {
      const options = {
        installation,
        dataDirectory: join(driver.path(id), 'pgdata'),
        runDirectory: join(directory, id),
        user,
      }
      if (isNew) {
        await driver.create(id)
        await initCluster(options)
      }
      return startCluster(options, cleanup)
    },
  }
}

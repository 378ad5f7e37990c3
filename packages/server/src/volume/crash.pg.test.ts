import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { lstat, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterEach, expect, test } from 'vitest'

import { createVolumeDriver, type DriverKind } from './driver-kinds.ts'
import { childArguments } from './testing/child.ts'
import { Cleanup } from './testing/cleanup.ts'
import { canMount, cutPower, type FileSystem, makeDirectory, mountImage } from './testing/pools.ts'

const MiB = 1024 ** 2
const cleanup = new Cleanup()

afterEach(async () => cleanup.run())

const pools: Array<{ kind: DriverKind; fileSystem: FileSystem }> = [
  { kind: 'reflink', fileSystem: 'xfs' },
  { kind: 'copy', fileSystem: 'ext4' },
]

test.each(pools.filter(({ kind }) => canMount || kind === 'copy'))(
  'a process killed while it clones by $kind leaves what a sweep removes',
  async ({ kind, fileSystem }) => {
    const root = canMount
      ? await mountImage(fileSystem, 512 * MiB, cleanup)
      : await makeDirectory(cleanup)
    const driver = createVolumeDriver(kind, root, undefined)
    await driver.create('main')
    await mkdir(join(driver.path('main'), 'pgdata/pg_wal'), { recursive: true })
    await writeFile(join(driver.path('main'), 'pgdata/PG_VERSION'), '18')

    const child = spawn(
      process.execPath,
      childArguments('clone-child.ts', kind, root, 'main', 'branch'),
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    cleanup.add(async () => child.kill('SIGKILL'))
    const exited = once(child, 'exit')
    const [line] = await Promise.race([once(child.stdout, 'data'), exited])
    expect(String(line)).toBe('half-way\n')
    child.kill('SIGKILL')
    await exited

    const slots = join(root, 'volumes')
    expect(await readdir(slots)).toEqual(expect.arrayContaining(['.branch.partial', 'main']))
    expect(await driver.list()).toEqual(['main'])
    expect(await driver.sweep()).toBe(1)
    expect(await readdir(slots)).toEqual(['main'])
    await driver.clone('main', 'branch')
    expect(await readFile(join(driver.path('branch'), 'pgdata/PG_VERSION'), 'utf8')).toBe('18')
  },
)

test.runIf(canMount)('a snapshot that was not renamed any more is swept', async () => {
  const root = await mountImage('btrfs', 256 * MiB, cleanup)
  const driver = createVolumeDriver('btrfs', root, undefined)
  await driver.create('main')
  await writeFile(join(driver.path('main'), 'file'), 'kept')
  await driver.clone('main', 'branch')
  await rename(join(root, 'volumes/branch'), join(root, 'volumes/.branch.partial'))
  expect(await driver.sweep()).toBe(1)
  expect(await readdir(join(root, 'volumes'))).toEqual(['main'])
  await driver.clone('main', 'branch')
})

const cutPools: Array<{ kind: DriverKind; fileSystem: FileSystem; options: string }> = [
  // So that nothing is committed by the clock while the test looks.
  { kind: 'btrfs', fileSystem: 'btrfs', options: 'commit=300' },
  { kind: 'reflink', fileSystem: 'xfs', options: 'noatime' },
  { kind: 'copy', fileSystem: 'ext4', options: 'commit=300' },
]

test.runIf(canMount).each(cutPools)(
  'a clone by $kind is whole after a power cut, and what was destroyed stays so',
  async ({ kind, fileSystem, options }) => {
    const mounted = await mountImage(fileSystem, 512 * MiB, cleanup, options)
    const driver = createVolumeDriver(kind, mounted, undefined)
    await driver.create('main')
    await driver.create('other')
    const dataDirectory = join(driver.path('main'), 'pgdata')
    await mkdir(join(dataDirectory, 'pg_replslot/history'), { recursive: true })
    await writeFile(join(dataDirectory, 'postmaster.pid'), '1')
    await writeFile(join(dataDirectory, 'PG_VERSION'), '18')

    await driver.clone('main', 'branch')
    await driver.rename('main', 'trunk')
    await driver.destroy('other')

    const after = createVolumeDriver(kind, await cutPower(mounted, cleanup), undefined)
    expect(await after.list()).toEqual(['branch', 'trunk'])
    const clone = join(after.path('branch'), 'pgdata')
    expect((await readdir(clone)).toSorted()).toEqual(['PG_VERSION', 'pg_replslot'])
    expect(await readdir(join(clone, 'pg_replslot'))).toEqual([])
    expect(await readFile(join(clone, 'PG_VERSION'), 'utf8')).toBe('18')
  },
)

test.runIf(canMount).each(cutPools)(
  'a volume made by $kind is there after a power cut',
  async ({ kind, fileSystem, options }) => {
    const mounted = await mountImage(fileSystem, 512 * MiB, cleanup, options)
    const driver = createVolumeDriver(kind, mounted, undefined)
    await driver.create('main')
    const after = createVolumeDriver(kind, await cutPower(mounted, cleanup), undefined)
    expect(await after.list()).toEqual(['main'])
    expect((await lstat(after.path('main'))).mode & 0o777).toBe(0o700)
    await after.clone('main', 'branch')
  },
)

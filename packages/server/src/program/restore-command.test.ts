import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { createDirectoryPlace } from '../backup/directory-place.ts'
import { manifestFormat, type ManifestTree } from '../backup/manifest.ts'
import { Repository } from '../backup/repository.ts'
import { readEnvironment } from '../lib/config.ts'
import { type Home, homePaths } from '../lib/home.ts'
import { lockHome } from './home-lock.ts'
import { restoreCommand } from './restore-command.ts'
import { markRestoring, refuseUnfinished } from './restore-marker.ts'

let directory: string
let place: string
let home: Home

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coppice-restore-'))
  place = join(directory, 'place')
  home = homePaths(join(directory, 'home'))
})

afterEach(async () => {
  await rm(directory, { recursive: true })
})

/** A backup that nothing can be made of: who restores it begins, and gets no further. */
async function backUpNothing(trees: readonly ManifestTree[] = []): Promise<void> {
  const repository = await Repository.openFor('ours', createDirectoryPlace(place), {
    passphrase: undefined,
  })
  await repository.writeManifest({
    format: manifestFormat,
    id: '2026-01-01T00-00-00Z',
    platform_id: 'ours',
    version: '0.1.0',
    state_version: 1,
    arch: process.arch,
    started_at: '',
    finished_at: '',
    with_history: true,
    pg_versions: [],
    projects: 0,
    branches: 0,
    trees: [...trees],
    bytes: 0,
    added_bytes: 0,
  })
}

const restore = async () =>
  restoreCommand({ home, environment: readEnvironment(), flags: {} }, place)

test('a restore that goes on is not taken for one that was interrupted', async () => {
  await backUpNothing()
  await mkdir(home.root)
  const unlock = await lockHome(home)
  await markRestoring(home, 'a backup')
  await writeFile(home.secretKey, 'restored already')
  const before = await readdir(home.root)
  await expect(restore()).rejects.toThrow('another coppice is at work')
  expect(await readdir(home.root)).toEqual(before)

  unlock()
  await expect(restore()).rejects.toThrow('a backup has the state directory')
  expect(await readdir(home.root)).not.toContain('secret.key')
  await expect(refuseUnfinished(home)).rejects.toThrow('has not come to its end')
})

test('one that was interrupted before it had made anything can be begun again', async () => {
  await backUpNothing()
  await mkdir(home.root)
  const unlock = await lockHome(home)
  unlock()
  await expect(restore()).rejects.toThrow('a backup has the state directory')
  await writeFile(join(home.root, 'mine'), '')
  await rm(join(home.root, 'restoring.json'))
  await expect(restore()).rejects.toThrow('is not empty')
})

test('nothing comes to the state directory that is in no backup', async () => {
  const repository = await Repository.openFor('ours', createDirectoryPlace(place), {
    passphrase: undefined,
  })
  const chunks = [await repository.putObject(Buffer.from('#!'))]
  const entry = { mode: 0o755, size: 2, mtime_ns: '0', chunks }
  const object = await repository.putTree({
    entries: [
      { ...entry, path: 'api-key' },
      { ...entry, path: 'bin' },
    ],
  })
  await backUpNothing([{ kind: 'home', name: 'home', object, bytes: 4 }])
  await mkdir(home.root)
  await expect(restore()).rejects.toMatchObject({ code: 'backup_damaged' })
  expect(await readdir(home.root)).not.toContain('bin')
})

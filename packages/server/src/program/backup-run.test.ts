import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { createDirectoryPlace } from '../backup/directory-place.ts'
import type { Manifest } from '../backup/manifest.ts'
import { Repository } from '../backup/repository.ts'
import type { HeldContents } from '../control/backup/hold.ts'
import { homePaths } from '../lib/home.ts'
import { runBackup } from './backup-run.ts'
import type { Hold } from './hold-socket.ts'

let directory: string
let repository: Repository

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'backup-run-'))
  await mkdir(join(directory, 'home'))
  const place = createDirectoryPlace(join(directory, 'place'))
  repository = await Repository.openFor('platform-a', place, { passphrase: undefined })
})

afterEach(async () => {
  await rm(directory, { recursive: true })
})

type Calls = Record<string, (input: Record<string, unknown>) => Promise<unknown>>

/** A platform without branches, unless `calls` tell of some. */
function fakeHold(calls: Calls = {}): Hold {
  const all: Calls = {
    contents: async (): Promise<HeldContents> => {
      const rows = join(directory, 'rows')
      await mkdir(rows, { recursive: true })
      await writeFile(join(rows, 'branches'), '')
      return { directory: rows, schema_version: 1, lines: [], snapshots: [] }
    },
    release: async () => undefined,
    ...calls,
  }
  return {
    ask: async <T>(call: string, input: Record<string, unknown> = {}) =>
      (await all[call]?.(input)) as T,
    end: () => undefined,
  }
}

const back = async (hold: Hold): Promise<Manifest> =>
  runBackup({
    home: homePaths(join(directory, 'home')),
    hold,
    repository,
    withHistory: true,
    volumesAtOnce: 1,
    onProgress: () => undefined,
  })

test('the last backup is the newest, also where the clock was ahead once', async () => {
  const first = await back(fakeHold())
  await repository.writeManifest({ ...first, id: '2999-12-31T23-59-59Z' })
  const { id } = await back(fakeHold())
  expect(id).toBe('3000-01-01T00-00-00Z')
  expect(await repository.listIds()).toEqual([first.id, '2999-12-31T23-59-59Z', id])
})

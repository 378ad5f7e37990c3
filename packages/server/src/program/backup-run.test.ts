import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { createDirectoryPlace } from '../backup/directory-place.ts'
import type { Manifest } from '../backup/manifest.ts'
import { Repository } from '../backup/repository.ts'
import type { HeldContents } from '../control/backup/hold.ts'
import type { BackupLineRow } from '../control/store/backups.ts'
import { homePaths } from '../lib/home.ts'
import { segmentName } from '../testing/wal-files.ts'
import { runBackup } from './backup-run.ts'
import type { SentWalFile } from './hold-calls.ts'
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

test('WAL is fetched in batches, each let go of before the next', async () => {
  const mebibyte = 1024 ** 2
  const line: BackupLineRow = {
    volume_id: 'volume',
    origin_volume_id: null,
    origin_time: null,
    branch_id: 'branch',
    name: 'main',
    project_id: 'project',
    pg_version: 18,
    is_listed: true,
  }
  const wal: SentWalFile[] = Array.from({ length: 10 }, (_, at) => ({
    name: segmentName(at + 1),
    bytes: 16 * mebibyte,
    written_ms: 1_000 * at,
  }))
  const make = async (names: readonly string[]): Promise<string> => {
    const path = await mkdtemp(join(directory, 'held-'))
    for (const name of names) await writeFile(join(path, name), name)
    return path
  }
  let fetched: number[] = []
  const holding = (files: SentWalFile[]): Hold => {
    fetched = []
    const held = new Set<string>()
    return fakeHold({
      contents: async () => ({
        directory: await make(['rows']),
        schema_version: 1,
        lines: [line],
        snapshots: [],
      }),
      take_line: async () => ({
        id: 'clone',
        path: await make(['PG_VERSION']),
        is_packed: false,
        keeps_times: true,
        at: new Date(),
        end: undefined,
      }),
      list_wal: async () => files,
      fetch_wal: async ({ files: asked }) => {
        expect(held.size).toBe(0)
        const some = asked as SentWalFile[]
        fetched.push(some.reduce((sum, { bytes }) => sum + bytes, 0))
        // Trimmed since it was listed.
        const path = await make(
          some.map(({ name }) => name).filter((name) => name !== wal[3]?.name),
        )
        held.add(path)
        return path
      },
      release: async ({ id }) => void held.delete(String(id)),
    })
  }
  const namesIn = async ({ trees }: Manifest): Promise<string[]> => {
    const object = trees.find(({ kind }) => kind === 'wal')?.object ?? ''
    return (await repository.getTree(object)).entries.map(({ path }) => path)
  }
  const expected = wal.map(({ name }) => name).filter((name) => name !== wal[3]?.name)

  expect(await namesIn(await back(holding(wal)))).toEqual(expected)
  expect(fetched.map((bytes) => bytes / mebibyte)).toEqual([64, 64, 32])

  // What the last backup has is not fetched again.
  const more = { name: segmentName(11), bytes: 16 * mebibyte, written_ms: 11_000 }
  expect(await namesIn(await back(holding([...wal, more])))).toEqual([...expected, more.name])
  expect(fetched.map((bytes) => bytes / mebibyte)).toEqual([32])
})

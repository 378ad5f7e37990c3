import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { must } from '../lib/assert.ts'
import { createDirectoryPlace } from './directory-place.ts'
import { KnownFiles } from './known-files.ts'
import { loadTree } from './load-tree.ts'
import { chunkBytes, type Manifest, manifestFormat, type ManifestTree } from './manifest.ts'
import { Repository } from './repository.ts'
import { saveTree } from './save-tree.ts'
import { verifyBackups } from './verify.ts'

let directory: string
let place: string
let source: string
/** Read although it was known. */
const known = undefined
const onBytes = () => undefined

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'backup-'))
  place = join(directory, 'place')
  source = join(directory, 'source')
  await mkdir(join(source, 'base', 'empty'), { recursive: true })
  await writeFile(join(source, 'base', 'large'), large)
  await writeFile(join(source, 'base', 'small'), 'a secret', { mode: 0o600 })
  await writeFile(join(source, 'nothing'), '')
})

afterEach(async () => {
  await rm(directory, { recursive: true })
})

const large = Buffer.concat([
  Buffer.alloc(chunkBytes, 'one'),
  Buffer.alloc(chunkBytes, 'two'),
  Buffer.from('rest'),
])

const open = async (passphrase?: string): Promise<Repository> =>
  Repository.openFor('platform-a', createDirectoryPlace(place), { passphrase })

async function back(repository: Repository, id: string): Promise<Manifest> {
  const { tree, bytes } = await saveTree(repository, source, { known, onBytes })
  const object = await repository.putTree(tree)
  return writeManifest(repository, id, [{ kind: 'volume', name: 'v', object, bytes }])
}

async function writeManifest(
  repository: Repository,
  id: string,
  trees: ManifestTree[],
): Promise<Manifest> {
  const manifest: Manifest = {
    format: manifestFormat,
    id,
    platform_id: 'platform-a',
    version: '0.1.0',
    state_version: 1,
    arch: 'x64',
    started_at: '',
    finished_at: '',
    with_history: true,
    pg_versions: [18],
    projects: 1,
    branches: 1,
    trees,
    bytes: 0,
    added_bytes: 0,
  }
  await repository.writeManifest(manifest)
  return manifest
}

const [first, second] = ['2026-01-01T00-00-00Z', '2026-01-02T00-00-00Z']

async function objectFiles(): Promise<string[]> {
  const entries = await readdir(join(place, 'chunks'), { recursive: true, withFileTypes: true })
  return entries.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name))
}

/** Every file below a directory with its content and mode. */
async function contents(root: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const name of (await readdir(root, { recursive: true })).toSorted()) {
    const path = join(root, name)
    const { mode } = await stat(path)
    const text = (await stat(path)).isFile() ? await readFile(path, 'latin1') : 'directory'
    found[name] = `${(mode & 0o777).toString(8)} ${text}`
  }
  return found
}

describe('a repository', () => {
  test('gives back what was put, and keeps what is equal once', async () => {
    const repository = await open()
    await writeFile(join(source, 'copy'), large)
    const { trees } = await back(repository, first)
    // Three chunks of the large file, the small one, the list of files.
    expect(await objectFiles()).toHaveLength(5)
    const again = await open()
    await back(again, second)
    expect(again.addedBytes).toBe(0)
    const target = join(directory, 'target')
    await mkdir(target)
    const tree = await again.getTree(must(trees[0], 'it has one').object)
    await loadTree(again, tree, target, { user: undefined, onBytes })
    expect(await contents(target)).toEqual(await contents(source))
  })

  test('has no backup before its manifest, and what was put goes with the next removal', async () => {
    const repository = await open()
    await saveTree(repository, source, { known, onBytes })
    expect(await repository.listIds()).toEqual([])
    await writeFile(join(source, 'base', 'large'), 'short')
    await back(repository, first)
    const before = (await objectFiles()).length
    await repository.remove([])
    expect((await objectFiles()).length).toBe(before - 3)
    expect((await verifyBackups(repository, [first], () => undefined)).problems).toEqual([])
  })

  test('removes what no other backup needs', async () => {
    const repository = await open()
    await back(repository, first)
    await writeFile(join(source, 'base', 'small'), 'changed')
    await back(repository, second)
    // Of the first alone: the small file and the list.
    expect(await repository.remove([first])).toEqual({ backups: 1, objects: 2 })
    expect(await repository.listIds()).toEqual([second])
    expect((await verifyBackups(repository, [second], () => undefined)).problems).toEqual([])
    await expect(repository.readManifest(first)).rejects.toThrow(`there are ${second}`)
  })

  test('tells of every object that is damaged or missing', async () => {
    const repository = await open()
    await back(repository, first)
    for (const path of await objectFiles()) {
      const content = await readFile(path)
      const flipped = Buffer.from(content)
      flipped[flipped.length >> 1] = (flipped[flipped.length >> 1] ?? 0) ^ 1
      await writeFile(path, flipped)
      const { problems } = await verifyBackups(repository, [first], () => undefined)
      expect(problems).toMatchObject([{ backup: first }])
      await rm(path)
      const missing = await verifyBackups(repository, [first], () => undefined)
      expect(missing.problems).toMatchObject([{ message: expect.stringContaining('is missing') }])
      await writeFile(path, content)
    }
    const path = join(place, 'backups', first)
    await writeFile(path, (await readFile(path)).subarray(0, -1))
    expect((await verifyBackups(repository, [first], () => undefined)).problems).toHaveLength(1)
  })

  test('is one platform’s, and begins in an empty place', async () => {
    await back(await open(), first)
    const other = Repository.openFor('platform-b', createDirectoryPlace(place), {
      passphrase: undefined,
    })
    await expect(other).rejects.toThrow('another platform (platform-a)')
    const used = Repository.openFor('platform-a', createDirectoryPlace(source), {
      passphrase: undefined,
    })
    await expect(used).rejects.toThrow('other things than backups')
    const none = Repository.open(createDirectoryPlace(join(directory, 'none')), {
      passphrase: undefined,
    })
    await expect(none).rejects.toThrow('there are no backups')
  })

  // Making a key out of a passphrase is slow, on purpose.
  test('with a passphrase shows nothing without it', { timeout: 60_000 }, async () => {
    const repository = await open('correct horse')
    await back(repository, first)
    const files = [...(await objectFiles()), join(place, 'backups', first)]
    for (const path of files) {
      expect((await readFile(path)).subarray(0, 2).toString('hex')).not.toBe('1f8b')
    }
    const plain = await Repository.openFor(
      'platform-a',
      createDirectoryPlace(join(directory, 'plain')),
      { passphrase: undefined },
    )
    const { tree } = await saveTree(plain, source, { known, onBytes })
    const names = files.map((path) => path.split('/').at(-1))
    for (const name of tree.entries.flatMap(({ chunks }) => chunks ?? [])) {
      expect(names).not.toContain(name)
    }
    await expect(open()).rejects.toThrow('are encrypted')
    await expect(open('another')).rejects.toThrow('not the one')
    expect(await (await open('correct horse')).listIds()).toEqual([first])
  })
})

describe('what is known', () => {
  const descent = [
    { line: 'child', sinceMs: 1_000_000 },
    { line: 'parent', sinceMs: 0 },
  ]
  const fileAt = (ms: number) => ({ path: 'f', size: 1, mtime_ns: `${ms}000000` })

  test('is shared by a line and those that came from it, as far as they share it', () => {
    const files = new KnownFiles()
    const parent = [{ line: 'parent', sinceMs: 0 }]
    const seenAt = new Date(3_000_000)
    files.add(parent, fileAt(500_000), ['before'], seenAt)
    files.add(parent, fileAt(2_000_000), ['after'], seenAt)
    expect(files.find(descent, fileAt(500_000))).toEqual(['before'])
    expect(files.find(descent, fileAt(2_000_000))).toBeUndefined()
    expect(files.find([{ line: 'other', sinceMs: 0 }], fileAt(500_000))).toBeUndefined()
  })

  test('is not what may have been written again within a tick of the clock', () => {
    const files = new KnownFiles()
    files.add(descent, fileAt(2_000_000), ['chunk'], new Date(2_000_010))
    expect(files.find(descent, fileAt(2_000_000))).toBeUndefined()
    files.add(descent, fileAt(2_000_000), ['chunk'], new Date(2_100_000))
    expect(files.find(descent, fileAt(2_000_000))).toEqual(['chunk'])
  })

  test('is not read again', async () => {
    const repository = await open()
    const path = join(source, 'base', 'small')
    await utimes(path, 1000, 1000)
    const files = new KnownFiles()
    const { tree } = await saveTree(repository, source, { known: { files, descent }, onBytes })
    files.addTree(descent, tree, new Date())
    await writeFile(path, 'a SECRET')
    await utimes(path, 1000, 1000)
    const again = await saveTree(repository, source, { known: { files, descent }, onBytes })
    expect(again.tree).toEqual(tree)
    await writeFile(path, 'b SECRET')
    const changed = await saveTree(repository, source, { known: { files, descent }, onBytes })
    expect(changed.tree).not.toEqual(tree)
  })
})

describe('a tree', () => {
  test('is written over one that it is like, and only what differs', async () => {
    const repository = await open()
    const { tree: base } = await saveTree(repository, source, { known, onBytes })
    const target = join(directory, 'target')
    await mkdir(target)
    await loadTree(repository, base, target, { user: undefined, onBytes })
    await utimes(join(target, 'base', 'small'), 1000, 1000)

    await rm(join(source, 'base', 'empty'), { recursive: true })
    await rm(join(source, 'nothing'))
    await writeFile(join(source, 'base', 'empty'), 'now a file')
    await mkdir(join(source, 'more'))
    await writeFile(join(source, 'more', 'x'), 'x')
    const changed = Buffer.from(large.subarray(0, chunkBytes + 10))
    changed[5] = 0
    await writeFile(join(source, 'base', 'large'), changed)
    // As a clone of a volume lacks what was its source's alone.
    await rm(join(target, 'nothing'))

    const { tree } = await saveTree(repository, source, { known, onBytes })
    await loadTree(repository, tree, target, { user: undefined, base, onBytes })
    expect(await contents(target)).toEqual(await contents(source))
    expect((await stat(join(target, 'base', 'small'))).mtimeMs).toBe(1_000_000)
  })

  test.for(['../out', '/out', 'a/../../out', 'a//b'])('that names %s is refused', async (path) => {
    const repository = await open()
    const tree = { entries: [{ path, mode: 0o600, size: 0, mtime_ns: '0', chunks: [] }] }
    const work = loadTree(repository, tree, source, { user: undefined, onBytes })
    await expect(work).rejects.toThrow('outside of its directory')
  })

  test('comes with nobody’s rights', async () => {
    const repository = await open()
    const name = await repository.putObject(Buffer.from('#!'))
    const tree = { entries: [{ path: 'x', mode: 0o4755, size: 2, mtime_ns: '0', chunks: [name] }] }
    await loadTree(repository, tree, source, { user: undefined, onBytes })
    expect((await stat(join(source, 'x'))).mode & 0o7777).toBe(0o755)
  })

  test('is no larger than what is there of it', async () => {
    const repository = await open()
    const name = await repository.putObject(Buffer.from('x'))
    const tree = {
      entries: [{ path: 'x', mode: 0o600, size: 2 ** 43, mtime_ns: '0', chunks: [name] }],
    }
    const work = loadTree(repository, tree, source, { user: undefined, onBytes })
    await expect(work).rejects.toMatchObject({ code: 'backup_damaged' })
  })

  test('is unpacked as far as a part of a file may go', async () => {
    const repository = await open()
    const name = await repository.putObject(Buffer.alloc(64 * 1024 ** 2))
    await expect(repository.getChunk(name)).rejects.toMatchObject({ code: 'backup_damaged' })
  })
})

test('a backup under the name of another is refused', async () => {
  const repository = await open('a passphrase')
  await back(repository, '2026-01-01T00-00-00Z')
  await copyFile(
    join(place, 'backups', '2026-01-01T00-00-00Z'),
    join(place, 'backups', '2026-02-02T00-00-00Z'),
  )
  await expect(repository.readManifest('2026-02-02T00-00-00Z')).rejects.toMatchObject({
    code: 'backup_damaged',
  })
})

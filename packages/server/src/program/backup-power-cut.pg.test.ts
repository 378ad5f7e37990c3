import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterEach, expect, test } from 'vitest'

import { createDirectoryPlace } from '../backup/directory-place.ts'
import type { Manifest } from '../backup/manifest.ts'
import { Repository } from '../backup/repository.ts'
import { saveTree } from '../backup/save-tree.ts'
import { verifyBackups } from '../backup/verify.ts'
import { exec } from '../lib/exec.ts'
import { Cleanup } from '../volume/testing/cleanup.ts'
import { canMount, cutPower, type FileSystem, mountImage } from '../volume/testing/pools.ts'

const cleanup = new Cleanup()
const fileSystems: FileSystem[] = ['ext4', 'xfs']
const id = '2026-01-01T00-00-00Z'

afterEach(async () => cleanup.run())

const open = async (root: string): Promise<Repository> =>
  Repository.openFor('platform-a', createDirectoryPlace(join(root, 'place')), {
    passphrase: undefined,
  })

async function save(repository: Repository, source: string) {
  const { tree, bytes } = await saveTree(repository, source, {
    known: undefined,
    onBytes: () => undefined,
  })
  return { object: await repository.putTree(tree), bytes }
}

test.runIf(canMount).each(fileSystems)(
  'on %s the next backup is whole although a power cut has ended the one before',
  async (fileSystem) => {
    const mounted = await mountImage(fileSystem, 512 * 1024 ** 2, cleanup)
    const source = join(mounted, '../source')
    await mkdir(source)
    await writeFile(join(source, 'file'), 'content')
    await save(await open(mounted), source)
    // Somebody else's commit makes names durable, and not what the files hold.
    await writeFile(join(mounted, 'other'), 'other')
    await exec('sync', [join(mounted, 'other')])

    const after = await open(await cutPower(mounted, cleanup))
    const saved = await save(after, source)
    expect(after.addedBytes).toBe(0)
    const manifest = { id, format: 1, trees: [{ kind: 'volume', name: 'v', ...saved }] }
    await after.writeManifest(manifest as Manifest)
    expect((await verifyBackups(after, [id], () => undefined)).problems).toEqual([])
  },
)

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import {
  type S3Server,
  s3ServerTimeoutMs,
  startS3Server,
  whyNoS3Server,
} from '@coppice/s3/testing/s3-server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { createS3Bucket } from '../history/s3-bucket.ts'
import { loadTree } from './load-tree.ts'
import { chunkBytes, type Manifest } from './manifest.ts'
import { Repository } from './repository.ts'
import { createS3Place } from './s3-place.ts'
import { saveTree } from './save-tree.ts'
import { verifyBackups } from './verify.ts'

describe.skipIf(whyNoS3Server !== undefined)('backups in S3', () => {
  let server: S3Server
  let directory: string

  beforeAll(async () => {
    server = await startS3Server()
    directory = await mkdtemp(join(tmpdir(), 'backup-s3-'))
  }, s3ServerTimeoutMs)

  afterAll(async () => {
    await server?.remove()
    await rm(directory, { recursive: true, force: true })
  })

  test('are put, listed, read, verified and removed', async () => {
    const place = createS3Place(createS3Bucket(server.location('home/one'), server.credentials))
    const onBytes = () => undefined
    const open = async () =>
      Repository.openFor('platform-a', place, { passphrase: 'correct horse' })
    const repository = await open()
    const content = Buffer.alloc(chunkBytes + 5, 'data')
    const [source, target] = [
      await mkdtemp(join(directory, 'from-')),
      await mkdtemp(join(directory, 'to-')),
    ]
    await writeFile(join(source, 'file'), content)
    const { tree, bytes } = await saveTree(repository, source, { known: undefined, onBytes })
    const object = await repository.putTree(tree)
    const id = '2026-01-01T00-00-00Z'
    await repository.writeManifest({
      id,
      format: 1,
      trees: [{ kind: 'volume', name: 'v', object, bytes }],
    } as unknown as Manifest)

    const again = await open()
    expect(await again.listIds()).toEqual([id])
    expect((await verifyBackups(again, [id], () => undefined)).problems).toEqual([])
    await loadTree(again, await again.getTree(object), target, { user: undefined, onBytes })
    expect((await readFile(join(target, 'file'))).equals(content)).toBe(true)
    expect(await again.remove([id])).toEqual({ backups: 1, objects: 3 })
    expect(await place.list('chunks/')).toEqual([])
    place.close()
  })
})

import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { S3Credentials, S3Location } from '@coppice/s3/location'
import {
  type S3Server,
  s3ServerTimeoutMs,
  startS3Server,
  whyNoS3Server,
} from '@coppice/s3/testing/s3-server'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'

import { startCuttingProxy } from '../testing/cutting-proxy.ts'
import { createWalFiles, segmentName, type WalFiles } from '../testing/wal-files.ts'
import { createS3Bucket } from './s3-bucket.ts'
import { createS3WalStore } from './s3-wal-store.ts'

/** S3 as it is when things go wrong, and when there is much of it. */
describe.skipIf(whyNoS3Server !== undefined)('WAL in S3', () => {
  let server: S3Server
  let files: WalFiles

  beforeAll(async () => {
    server = await startS3Server()
    files = await createWalFiles()
  }, s3ServerTimeoutMs)

  afterEach(() => {
    vi.useRealTimers()
  })

  afterAll(async () => {
    await files?.remove()
    await server?.remove()
  })

  const open = (changed: Partial<S3Location & S3Credentials> = {}) => {
    const location = { ...server.location(randomBytes(6).toString('hex')), ...changed }
    return createS3WalStore(createS3Bucket(location, { ...server.credentials, ...changed }), '')
  }

  test('more files than one listing tells are listed, removed by range, and all gone', async () => {
    const store = open()
    const file = await files.make('', { bytes: 100 })
    const names = Array.from({ length: 1005 }, (_, number) => segmentName(number))
    for (let from = 0; from < names.length; from += 15) {
      const batch = names.slice(from, from + 15)
      await Promise.all(batch.map(async (name) => store.put('vol-many-1', { ...file, name })))
    }
    expect((await store.list('vol-many-1')).map(({ name }) => name)).toEqual(names)
    await store.remove('vol-many-1', [...names.slice(3, 900), names[1003] ?? ''])
    expect((await store.list('vol-many-1')).map(({ name }) => name)).toEqual([
      ...names.slice(0, 3),
      ...names.slice(900, 1003),
      names[1004],
    ])
    await store.removeLine('vol-many-1')
    expect(await store.list('vol-many-1')).toEqual([])
    expect(await store.lines()).toEqual([])
  })

  const failures: ReadonlyArray<[string, Partial<S3Location & S3Credentials>, RegExp]> = [
    ['a secret that is wrong', { secretAccessKey: 'wrong' }, /refuses the credentials; check/],
    ['a key that is not known', { accessKeyId: 'stranger' }, /refuses the credentials; check/],
    ['a bucket that is not there', { bucket: 'absent' }, /has no bucket absent; create it/],
    ['another region', { region: 'eu-west-9' }, /in another region than eu-west-9.*--s3-region/],
    [
      'an address that nobody listens at',
      { endpoint: 'http://127.0.0.1:2' },
      /cannot be reached \(ECONNREFUSED\); check --s3-endpoint/,
    ],
  ]

  test.for(failures)('%s is said, with what to do', async ([, changed, message]) => {
    const store = open(changed)
    const calls = [
      async () => store.list('vol-any-1'),
      async () => store.put('vol-any-1', await files.make(segmentName(1))),
    ]
    for (const call of calls) {
      const error: unknown = await call().catch((caught: unknown) => caught)
      expect(error).toMatchObject({
        code: 's3_unavailable',
        message: expect.stringMatching(message),
      })
      const text = `${String(error)} ${JSON.stringify(error)}`
      expect(text).not.toContain(changed.secretAccessKey ?? server.credentials.secretAccessKey)
      expect(text).not.toContain(changed.accessKeyId ?? server.credentials.accessKeyId)
    }
  })

  test('a clock that is wrong is said', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3 * 3_600_000 })
    await expect(open().list('vol-any-1')).rejects.toThrow("refuses this machine's clock")
  })

  test('a transfer that breaks off is made again, and what arrives is whole', async () => {
    const { endpoint } = server.location()
    const target = { host: '127.0.0.1', port: Number(new URL(endpoint).port) }
    const proxy = await startCuttingProxy(target)
    try {
      const store = open({ endpoint: `http://127.0.0.1:${proxy.port}` })
      const file = await files.make(segmentName(7), { bytes: 8_000_000 })
      proxy.cut({ connections: 1, afterBytes: 0 })
      await store.put('vol-cut-1', file)
      proxy.cut({ connections: 2, afterBytes: 500_000 })
      expect((await files.fetched(store, 'vol-cut-1', file)).equals(file.content)).toBe(true)
      expect(proxy.cutCount()).toBe(3)
      proxy.cut({ connections: 1000, afterBytes: 500_000 })
      const path = join(files.root, 'never')
      await expect(store.fetch('vol-cut-1', file, path)).rejects.toMatchObject({
        code: 's3_unavailable',
      })
      await expect(readFile(path)).rejects.toMatchObject({ code: 'ENOENT' })
    } finally {
      await proxy.close()
    }
  })

  test('a file that cannot be written here is no fault of S3, and is not tried again', async () => {
    const store = open()
    const file = await files.make(segmentName(1))
    await store.put('vol-full-1', file)
    await expect(
      store.fetch('vol-full-1', file, join(files.root, 'no', 'such', 'directory')),
    ).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('what is closed ends what is going on', async () => {
    const store = open()
    const files7 = await files.make(segmentName(1), { bytes: 16_000_000 })
    const going = store.put('vol-closed-1', files7)
    store.close()
    await expect(going).rejects.toThrow('the program stops')
    await expect(store.list('vol-closed-1')).rejects.toThrow('the program stops')
  })
})

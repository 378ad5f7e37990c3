import { randomBytes } from 'node:crypto'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { type S3Location, renderS3Url } from '@coppice/s3/location'
import {
  type S3Server,
  s3ServerTimeoutMs,
  startS3Server,
  whyNoS3Server,
} from '@coppice/s3/testing/s3-server'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { createDirectoryWalStore } from '../history/directory-wal-store.ts'
import { createS3Bucket } from '../history/s3-bucket.ts'
import { createS3WalStore } from '../history/s3-wal-store.ts'
import { spoolParts, WalSpool } from '../history/wal-spool.ts'
import { readEnvironment } from '../lib/config.ts'
import { type Home, homePaths } from '../lib/home.ts'
import { createLog } from '../lib/log.ts'
import { until } from '../testing/until.ts'
import { createWalFiles, segmentName, type WalFiles } from '../testing/wal-files.ts'
import { createCopyDriver } from '../volume/copy.ts'
import type { VolumeDriver } from '../volume/volume.ts'
import { openPlatformWal, type PlatformWal } from './platform-wal.ts'
import { readS3Credentials } from './s3-credentials.ts'
import { walStoreOptions } from './wal-store-options.ts'

/** How a platform comes to a place for its WAL, stays with it, and leaves it. */
describe.skipIf(whyNoS3Server !== undefined)('the place of WAL', () => {
  let server: S3Server
  let files: WalFiles
  let home: Home
  let volumes: VolumeDriver
  const line = 'vol-line-1'

  beforeAll(async () => {
    server = await startS3Server()
    files = await createWalFiles()
  }, s3ServerTimeoutMs)

  afterAll(async () => {
    await files?.remove()
    await server?.remove()
  })

  beforeEach(async () => {
    home = homePaths(join(files.root, randomBytes(6).toString('hex')))
    await mkdir(home.pool, { recursive: true })
    volumes = createCopyDriver(home.pool, undefined)
  })

  const newLocation = (): S3Location => server.location(randomBytes(6).toString('hex'))

  const flagsFor = (location: S3Location) => ({
    'wal-store': renderS3Url(location),
    's3-endpoint': location.endpoint,
  })

  async function open(
    flags: Parameters<typeof walStoreOptions>[0],
    { saved = {}, platformId = 'platform-1' }: { saved?: object; platformId?: string } = {},
  ): Promise<PlatformWal> {
    return openPlatformWal({
      home,
      environment: { ...readEnvironment(), s3Credentials: server.credentials },
      walStore: walStoreOptions(flags, saved),
      volumes,
      platformId,
      onStep: () => undefined,
    })
  }

  /** Puts a file and waits until it is in S3 only. */
  async function upload(location: S3Location) {
    const file = await files.make(segmentName(1))
    const root = join(home.pool, 'wal')
    const bucket = createS3Bucket(location, server.credentials)
    const spool = new WalSpool({
      root,
      remote: createS3WalStore(bucket, ''),
      log: createLog({ level: 'silent', toStderr: false }),
      keep: { bytes: 0, ageMs: 0 },
    })
    await spool.start()
    await spool.put(line, file)
    await until(async () => (await createDirectoryWalStore(root).list(line)).length === 0)
    await spool.stop()
    return file
  }

  test('a place that is new has to answer; one that is remembered may be away', async () => {
    const away = { ...newLocation(), endpoint: 'http://127.0.0.1:2' }
    await expect(open(flagsFor(away))).rejects.toMatchObject({ code: 's3_unavailable' })
    const { saved } = walStoreOptions(flagsFor(away), {})
    const opened = await open({}, { saved })
    expect(opened.remote?.url).toBe(renderS3Url(away))
    expect(opened.notes).toEqual([expect.stringContaining('cannot be reached')])
    expect(opened.saved).toEqual(saved)
  })

  test('a place is one platform’s alone, and leaves nothing of trying it', async () => {
    const location = newLocation()
    expect(await open(flagsFor(location))).toMatchObject({ notes: [] })
    await open(flagsFor(location))
    await expect(open(flagsFor(location), { platformId: 'another' })).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('the WAL of another platform (platform-1)'),
    })
    const keys = await createS3Bucket(location, server.credentials).list('')
    expect(keys).toEqual(['coppice.json'])
  })

  test('what is only in S3 comes back to the pool before WAL is kept there alone', async () => {
    const location = newLocation()
    const { saved } = await open(flagsFor(location))
    const file = await upload(location)
    // Without knowing where it is, it is not given up.
    await expect(open({})).rejects.toThrow('(1 files) is in S3 only')
    expect((await open({ 'wal-store': 'local' }, { saved })).remote).toBeUndefined()
    const local = createDirectoryWalStore(join(home.pool, 'wal'))
    expect(await local.list(line)).toMatchObject([{ writtenAt: file.writtenAt }])
    expect((await files.fetched(local, line, file)).equals(file.content)).toBe(true)
    // What is in the pool is uploaded to another place as well, whatever was uploaded before.
    const next = newLocation()
    await open(flagsFor(next))
    await upload(next)
    const there = createS3WalStore(createS3Bucket(next, server.credentials), '')
    expect(await there.list(line)).toHaveLength(1)
    // And nothing is forgotten for a place that does not answer.
    const away = { ...newLocation(), endpoint: 'http://127.0.0.1:2' }
    const atNext = walStoreOptions(flagsFor(next), {}).saved
    await open({ 'wal-store': 'local' }, { saved: atNext })
    await open(flagsFor(next))
    const root = join(home.pool, 'wal')
    const { uploaded } = spoolParts(root)
    await uploaded.add(line, await createDirectoryWalStore(root).list(line))
    await expect(open(flagsFor(away), { saved: atNext })).rejects.toThrow('cannot be reached')
    expect(await uploaded.list(line)).toHaveLength(1)
  })

  test('another place is refused while history needs what is in the one of before', async () => {
    const location = newLocation()
    const { saved } = await open(flagsFor(location))
    await upload(location)
    const next = newLocation()
    await expect(open(flagsFor(next), { saved })).rejects.toThrow('--wal-store local to bring it')
    expect(await createS3Bucket(next, server.credentials).list('')).toEqual([])
    // The same place by another name of its host is the same place.
    const endpoint = next.endpoint.replace('127.0.0.1', 'localhost')
    expect(await open({ 's3-endpoint': endpoint }, { saved })).toMatchObject({ notes: [] })
  })

  test('credentials come from the environment, or from a file that nobody else may read', async () => {
    const environment = {
      ...readEnvironment(),
      s3Credentials: undefined,
      awsCredentials: undefined,
    }
    const read = async () => readS3Credentials(home, environment)
    const general = { accessKeyId: 'of-aws', secretAccessKey: 'of-aws' }
    const readWithAws = async () =>
      readS3Credentials(home, { ...environment, awsCredentials: general })
    await expect(read()).rejects.toThrow('set COPPICE_S3_ACCESS_KEY_ID and')
    expect(await readWithAws()).toEqual(general)
    await writeFile(home.s3Credentials, '{"access_key_id": "a", "secret', { mode: 0o600 })
    await expect(read()).rejects.toThrow(/is no JSON$/)
    const content = { access_key_id: 'a', secret_access_key: 'hush' }
    await writeFile(home.s3Credentials, JSON.stringify(content))
    const own = { accessKeyId: 'a', secretAccessKey: 'hush' }
    expect([await read(), await readWithAws()]).toEqual([own, own])
    await chmod(home.s3Credentials, 0o640)
    await expect(read()).rejects.toThrow('others can read')
  })
})

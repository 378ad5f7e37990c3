import { randomBytes } from 'node:crypto'
import { join } from 'node:path'

import type { S3Location } from '@coppice/s3/location'
import {
  type S3Server,
  s3ServerTimeoutMs,
  startS3Server,
  whyNoS3Server,
} from '@coppice/s3/testing/s3-server'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

import { createLog } from '../lib/log.ts'
import { until } from '../testing/until.ts'
import { createWalFiles, segmentName, type WalFiles } from '../testing/wal-files.ts'
import { createDirectoryWalStore } from './directory-wal-store.ts'
import { createS3Bucket } from './s3-bucket.ts'
import { createS3WalStore, type RemoteWalStore } from './s3-wal-store.ts'
import { type LocalBudget, spoolParts, WalSpool } from './wal-spool.ts'

/** The spool where it matters: S3 away, crashes, removals that come in between. */
describe.skipIf(whyNoS3Server !== undefined)('WAL on its way to S3', () => {
  const running: WalSpool[] = []
  const log = createLog({ level: 'silent', toStderr: false })
  let server: S3Server
  let files: WalFiles

  beforeAll(async () => {
    server = await startS3Server()
    files = await createWalFiles()
  }, s3ServerTimeoutMs)

  afterEach(async () => {
    await Promise.all(running.splice(0).map(async (spool) => spool.stop()))
  })

  afterAll(async () => {
    await files?.remove()
    await server?.remove()
  })

  const nothingStays: LocalBudget = { bytes: 0, ageMs: 0 }
  const line = 'vol-line-1'

  interface Place {
    root: string
    location: S3Location
  }

  const newPlace = (): Place => {
    const name = randomBytes(6).toString('hex')
    return { root: join(files.root, name), location: server.location(name) }
  }

  const remoteOf = (place: Place): RemoteWalStore =>
    createS3WalStore(createS3Bucket(place.location, server.credentials), 's3://test')

  /** As after a start of the platform; what ran before is stopped by the test, or has "crashed". */
  async function open(
    place: Place,
    { keep = nothingStays, remote = remoteOf(place) } = {},
  ): Promise<WalSpool> {
    const spool = new WalSpool({ root: place.root, remote, log, keep })
    await spool.start()
    running.push(spool)
    return spool
  }

  const localNames = async ({ root }: Place): Promise<string[]> =>
    (await createDirectoryWalStore(root).list(line)).map(({ name }) => name)

  const remoteNames = async (place: Place): Promise<string[]> =>
    (await remoteOf(place).list(line)).map(({ name }) => name)

  test('what is old or more than a line may have leaves the pool, once it is uploaded', async () => {
    const place = newPlace()
    const now = Date.now()
    const spool = await open(place, { keep: { bytes: 450_000, ageMs: 3_600_000 } })
    const ages = [2 * 3_600_000, 30_000, 20_000, 10_000]
    for (const [index, ageMs] of ages.entries()) {
      await spool.put(line, await files.make(segmentName(index), { at: new Date(now - ageMs) }))
    }
    await until(async () => (await localNames(place)).length === 2)
    expect(await localNames(place)).toEqual([segmentName(2), segmentName(3)])
    await until(async () => (await remoteNames(place)).length === 4)
    expect((await spool.list(line)).map(({ name }) => name)).toEqual([0, 1, 2, 3].map(segmentName))
    expect(await spool.state()).toMatchObject({ files: 0, bytes: 0, failure: undefined })
  })

  test('while S3 is away nothing waits and nothing is lost, and all follows in its order', async () => {
    const place = newPlace()
    const order: string[] = []
    const remote = remoteOf(place)
    const spool = await open(place, {
      remote: {
        ...remote,
        put: async (to, file) => {
          order.push(file.name)
          await remote.put(to, file)
        },
      },
    })
    const first = await files.make(segmentName(0))
    await spool.put(line, first)
    await until(async () => (await localNames(place)).length === 0)
    await server.kill()
    try {
      const made = await Promise.all([1, 2, 3, 4, 5].map(async (n) => files.make(segmentName(n))))
      const started = performance.now()
      for (const file of made) await spool.put(line, file)
      expect(performance.now() - started).toBeLessThan(5_000)
      await until(async () => (await spool.state()).failure !== undefined)
      expect(await spool.state()).toMatchObject({
        files: 5,
        bytes: 1_000_000,
        since: made[0]?.writtenAt,
        failure: { message: expect.stringContaining('cannot be reached') },
      })
      // The present is reached without S3; what is only there is missed in so many words.
      expect(await spool.list(line)).toHaveLength(6)
      const [, , , , last] = made
      if (last === undefined) throw new Error('five were made')
      expect((await files.fetched(spool, line, last)).equals(last.content)).toBe(true)
      await expect(files.fetched(spool, line, first)).rejects.toMatchObject({
        code: 's3_unavailable',
      })
      await spool.remove(line, [segmentName(0), segmentName(1)])
      expect((await spool.list(line)).map(({ name }) => name)).toEqual(
        [2, 3, 4, 5].map(segmentName),
      )
    } finally {
      await server.start()
    }
    await until(async () => (await localNames(place)).length === 0, 60_000)
    await until(async () => (await remoteNames(place)).length === 4)
    expect(await remoteNames(place)).toEqual([2, 3, 4, 5].map(segmentName))
    expect([...new Set(order)]).toEqual([0, 1, 2, 3, 4, 5].map(segmentName))
    expect((await spool.state()).failure).toBeUndefined()
  })

  test('a start without S3 knows all that there is', async () => {
    const place = newPlace()
    const first = await open(place)
    await first.put(line, await files.make(segmentName(1)))
    await until(async () => (await localNames(place)).length === 0)
    await first.stop()
    await server.kill()
    try {
      const spool = await open(place)
      await spool.put(line, await files.make(segmentName(2)))
      expect((await spool.list(line)).map(({ name }) => name)).toEqual([1, 2].map(segmentName))
      expect(await spool.lines()).toEqual([line])
    } finally {
      await server.start()
    }
  })

  test('a crash between an upload and its entry uploads again, to the same effect', async () => {
    const place = newPlace()
    const remote = remoteOf(place)
    const file = await files.make(segmentName(1))
    const first = await open(place, {
      remote: {
        ...remote,
        put: async (to, one) => {
          await remote.put(to, one)
          throw new Error('the process has died')
        },
      },
    })
    await first.put(line, file)
    await until(async () => (await first.state()).failure !== undefined)
    await first.stop()
    expect(await remoteNames(place)).toEqual([file.name])
    expect(await localNames(place)).toEqual([file.name])
    const spool = await open(place)
    await until(async () => (await localNames(place)).length === 0)
    expect(await spool.list(line)).toHaveLength(1)
    expect((await files.fetched(spool, line, file)).equals(file.content)).toBe(true)
    expect(await createS3Bucket(place.location, server.credentials).list('')).toHaveLength(1)
  })

  test('what a crash of before has uploaded is gone from S3 as well once it is removed', async () => {
    const place = newPlace()
    const file = await files.make(segmentName(1))
    await createDirectoryWalStore(place.root).put(line, file)
    await remoteOf(place).put(line, file)
    // Not running: the removal comes before anything else does.
    const spool = new WalSpool({ root: place.root, remote: remoteOf(place), log })
    await spool.removeLine(line)
    await spool.start()
    running.push(spool)
    await until(async () => (await remoteNames(place)).length === 0)
    expect(await spool.lines()).toEqual([])
  })

  const empty = Buffer.alloc(0)
  const putAgain = [
    ['carried out', undefined],
    ['carried out before the same is put again', { at: new Date('2026-01-31T12:00:00.123Z') }],
    ['carried out before another is put', { at: new Date('2026-01-31T14:00:00.000Z') }],
  ] as const

  test.for(putAgain)('a removal in the middle of an upload is %s', async ([, options]) => {
    const place = newPlace()
    const again = options && (await files.make(segmentName(1), options))
    const remote = remoteOf(place)
    let isUploaded = false
    let goOn = (): void => undefined
    const gate = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const spool = await open(place, {
      remote: {
        ...remote,
        put: async (to, file) => {
          await remote.put(to, file)
          isUploaded = true
          await gate
        },
      },
    })
    await spool.put(line, await files.make(segmentName(1)))
    await until(() => isUploaded)
    await spool.remove(line, [segmentName(1)])
    expect(await spool.list(line)).toEqual([])
    if (again !== undefined) await spool.put(line, again)
    goOn()
    const rest = again === undefined ? [] : [{ writtenAt: again.writtenAt }]
    const { removed } = spoolParts(place.root)
    await until(async () => (await removed.lines()).length === 0)
    await until(async () => (await localNames(place)).length === 0)
    expect(await remoteOf(place).list(line)).toMatchObject(rest)
    expect(await spool.list(line)).toMatchObject(rest)
    for (const one of await spool.list(line)) {
      expect((await files.fetched(spool, line, one)).equals(again?.content ?? empty)).toBe(true)
    }
    const keys = await createS3Bucket(place.location, server.credentials).list('')
    expect(keys).toHaveLength(rest.length)
  })

  test('a removal that was not carried out is, after the next start', async () => {
    const place = newPlace()
    const first = await open(place)
    await first.put(line, await files.make(segmentName(1)))
    await until(async () => (await localNames(place)).length === 0)
    await first.stop()
    const stopped = new WalSpool({ root: place.root, remote: remoteOf(place), log })
    await stopped.remove(line, [segmentName(1)])
    expect(await remoteNames(place)).toEqual([segmentName(1)])
    await open(place)
    await until(async () => (await remoteNames(place)).length === 0)
  })

  test('one line that fails does not hold up the others', async () => {
    const place = newPlace()
    const remote = remoteOf(place)
    const spool = await open(place, {
      remote: {
        ...remote,
        put: async (to, file) => {
          if (to === 'vol-bad-1') throw new Error('no')
          await remote.put(to, file)
        },
      },
    })
    await spool.put('vol-bad-1', await files.make(segmentName(1)))
    await until(async () => (await spool.state()).failure !== undefined)
    await spool.put(line, await files.make(segmentName(1)))
    await until(async () => (await spool.state()).files === 1, 30_000)
    expect(await remoteNames(place)).toEqual([segmentName(1)])
    expect(await spool.list('vol-bad-1')).toHaveLength(1)
    expect((await spool.state()).failure?.message).toBe('no')
  })

  test('WAL that was kept before there was S3 is uploaded', async () => {
    const place = newPlace()
    const file = await files.make(segmentName(1))
    await createDirectoryWalStore(place.root).put(line, file)
    await open(place)
    await until(async () => (await localNames(place)).length === 0)
    expect(await remoteOf(place).list(line)).toEqual([
      { name: file.name, bytes: file.bytes, writtenAt: file.writtenAt },
    ])
  })
})

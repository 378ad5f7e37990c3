import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import {
  type S3Server,
  s3ServerTimeoutMs,
  startS3Server,
  whyNoS3Server,
} from '@coppice/s3/testing/s3-server'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { createLog } from '../lib/log.ts'
import { until } from '../testing/until.ts'
import { createWalFiles, type WalFiles } from '../testing/wal-files.ts'
import { createDirectoryWalStore } from './directory-wal-store.ts'
import { createS3Bucket } from './s3-bucket.ts'
import { createS3WalStore } from './s3-wal-store.ts'
import { spoolParts, WalSpool } from './wal-spool.ts'
import type { WalStore } from './wal-store.ts'

/** What every place that WAL is kept in promises, of each of them. */
const log = createLog({ level: 'silent', toStderr: false })

const isNotThere = /ENOENT|is not in s3:/

interface Opened {
  store: WalStore
  /** Until what was put has arrived where it stays. */
  settle: () => Promise<void>
  close?: () => Promise<void>
}

const openers: ReadonlyArray<{
  kind: string
  needsS3: boolean
  open: (root: string, server: S3Server) => Promise<Opened>
}> = [
  {
    kind: 'a directory',
    needsS3: false,
    open: async (root) => ({
      store: createDirectoryWalStore(join(root, 'wal')),
      settle: async () => undefined,
    }),
  },
  {
    kind: 'S3',
    needsS3: true,
    open: async (_, server) => ({ store: remoteOf(server), settle: async () => undefined }),
  },
  {
    kind: 'a spool that has everything',
    needsS3: true,
    open: async (root, server) => openSpool(root, server, { bytes: 2 ** 40, ageMs: 2 ** 50 }),
  },
  {
    kind: 'a spool that has nothing left',
    needsS3: true,
    open: async (root, server) => openSpool(root, server, { bytes: 0, ageMs: 0 }),
  },
]

const remoteOf = (server: S3Server) =>
  createS3WalStore(
    createS3Bucket(server.location(randomBytes(6).toString('hex')), server.credentials),
    's3://test',
  )

async function openSpool(
  directory: string,
  server: S3Server,
  keep: { bytes: number; ageMs: number },
): Promise<Opened> {
  const root = join(directory, 'wal')
  const spool = new WalSpool({ root, remote: remoteOf(server), log, keep })
  await spool.start()
  const { local, removed } = spoolParts(root)
  return {
    store: spool,
    settle: async () => {
      await until(async () => (await spool.state()).files === 0)
      await until(async () => (await removed.lines()).length === 0)
      if (keep.bytes > 0) return
      await until(async () => {
        const left = await Promise.all((await local.lines()).map(async (line) => local.list(line)))
        return left.flat().length === 0
      })
    },
    close: async () => spool.stop(),
  }
}

let server: S3Server

beforeAll(async () => {
  if (whyNoS3Server === undefined) server = await startS3Server()
}, s3ServerTimeoutMs)

afterAll(async () => {
  await server?.remove()
})

describe.for(openers)('in $kind', ({ needsS3, open }) => {
  let files: WalFiles
  let opened: Opened

  const whyNot = needsS3 ? whyNoS3Server : undefined

  beforeAll(async () => {
    files = await createWalFiles()
    if (whyNot === undefined) opened = await open(files.root, server)
  })

  beforeEach(({ skip }) => {
    if (whyNot !== undefined) skip(whyNot)
  })

  afterAll(async () => {
    await opened?.close?.()
    await files.remove()
  })

  const segments = [
    '000000010000000000000001',
    '000000010000000000000002',
    '0000000100000001000000FF',
  ] as const

  test('what was put is listed in order, as it was, and comes back as it was', async () => {
    const late = await files.make(segments[2], { at: new Date('2026-01-31T12:00:02.000Z') })
    const history = await files.make('00000002.history', { bytes: 44 })
    const early = await files.make(segments[0])
    for (const file of [late, history, early]) await opened.store.put('vol-order-1', file)
    await opened.settle()
    expect(await opened.store.list('vol-order-1')).toEqual(
      [early, late, history].map(({ name, bytes, writtenAt }) => ({ name, bytes, writtenAt })),
    )
    for (const file of [late, history, early]) {
      const content = await files.fetched(opened.store, 'vol-order-1', file)
      expect(content.equals(file.content)).toBe(true)
    }
  })

  test('what is put again stays what it was', async () => {
    const file = await files.make(segments[0])
    await opened.store.put('vol-again-1', file)
    await opened.settle()
    await opened.store.put('vol-again-1', file)
    await opened.store.put('vol-again-1', { ...file, writtenAt: new Date('2026-02-01') })
    await opened.settle()
    expect(await opened.store.list('vol-again-1')).toEqual([
      { name: file.name, bytes: file.bytes, writtenAt: file.writtenAt },
    ])
    expect((await files.fetched(opened.store, 'vol-again-1', file)).equals(file.content)).toBe(true)
  })

  test('what is not there is not listed, not fetched, and may be removed', async () => {
    const { store } = opened
    expect(await store.list('vol-nothing-1')).toEqual([])
    const path = join(files.root, 'absent')
    const file = await files.make(segments[0])
    await expect(store.fetch('vol-nothing-1', file, path)).rejects.toThrow(isNotThere)
    await expect(readFile(path)).rejects.toMatchObject({ code: 'ENOENT' })
    await store.remove('vol-nothing-1', [segments[0]])
    await store.removeLine('vol-nothing-1')
  })

  test('what was removed is gone, and its neighbours are not', async () => {
    const { store } = opened
    const made = await Promise.all(segments.map(async (name) => files.make(name)))
    for (const file of made) await store.put('vol-remove-1', file)
    await store.put('vol-remove-10', await files.make(segments[1]))
    await opened.settle()
    await store.remove('vol-remove-1', [segments[2], segments[0], 'never-there'])
    await opened.settle()
    expect((await store.list('vol-remove-1')).map(({ name }) => name)).toEqual([segments[1]])
    for (const file of made.filter(({ name }) => name !== segments[1])) {
      await expect(files.fetched(store, 'vol-remove-1', file)).rejects.toThrow(isNotThere)
    }
    await store.removeLine('vol-remove-1')
    expect(await store.list('vol-remove-1')).toEqual([])
    expect((await store.list('vol-remove-10')).map(({ name }) => name)).toEqual([segments[1]])
    const lines = await store.lines()
    expect(lines).toContain('vol-remove-10')
    expect(lines).not.toContain('vol-remove-1')
  })

  test('what was removed may be put again', async () => {
    const { store } = opened
    await store.put('vol-return-1', await files.make(segments[0]))
    await store.remove('vol-return-1', [segments[0]])
    const file = await files.make(segments[0], { at: new Date('2026-01-31T13:00:00.000Z') })
    await store.put('vol-return-1', file)
    await opened.settle()
    expect((await files.fetched(opened.store, 'vol-return-1', file)).equals(file.content)).toBe(
      true,
    )
    expect(await store.list('vol-return-1')).toMatchObject([{ writtenAt: file.writtenAt }])
  })

  test('a line that is no name of a volume is a bug', async () => {
    await expect(opened.store.list('../elsewhere')).rejects.toThrow('assertion failed')
  })
})
